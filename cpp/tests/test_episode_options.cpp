// The options of a game that are constants or always the same in the stock game: track and start.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "check.hpp"
#include "episodes.hpp"

using namespace apexline::test;

TEST(the_start_tile_is_taken_modulo_the_number_of_tiles) {
  for (const std::int32_t start : {0, 1, 77, -1, -1000, 123456}) {
    GameOptions options;
    options.start_tile = start;
    Game game(8, options);
    const std::int32_t count = game.episode.num_tiles();
    const std::int32_t tile = game.episode.start_tile();
    CHECK(tile >= 0 && tile < count && (tile - start) % count == 0);
    const Node& node = game.episode.track().nodes[static_cast<std::size_t>(tile)];
    CHECK(std::hypot(game.block.x[kHullBody][Game::kLane] - node.x, game.block.y[kHullBody][Game::kLane] - node.y) <
          0.1);
    CHECK(game.episode.is_visited(tile) && game.episode.is_visited((tile + 1) % count));
    CHECK(game.episode.num_visited() == 2);
  }
}

TEST(a_random_start_is_drawn_after_the_track) {
  GameOptions options;
  options.start_tile.reset();
  Game game(9, options);
  Pcg64 random(game_seed(9));
  Track track;
  for (int episode = 0; episode < 3; ++episode, game.begin()) {
    create_track(random, track);
    const std::uint32_t start = random.integers(static_cast<std::uint32_t>(track.num_tiles()));
    CHECK(game.episode.start_tile() == static_cast<std::int32_t>(start));
    CHECK(game.episode.random().state() == random.state());
  }
}

TEST(a_start_speed_is_straight_ahead) {
  GameOptions options;
  options.start_tile = 40;
  options.start_speed = 50;
  Game game(10, options);
  const double beta = game.episode.track().nodes[40].beta;
  const std::size_t lane = Game::kLane;
  for (std::size_t body = 0; body < kNumBodies; ++body) {
    CHECK(near(game.block.velocity_x[body][lane], -50 * std::sin(beta), 0.5));
    CHECK(near(game.block.velocity_y[body][lane], 50 * std::cos(beta), 0.5));
  }
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel)
    CHECK(near(game.block.omega[wheel][lane], 50 / kWheelRadius, 1));
}

TEST(laps_end_at_the_start_tile) {
  GameOptions options;
  options.ends_at_start_line = true;
  options.start_tile = 50;
  Game game(8, options);
  const std::int32_t count = game.episode.num_tiles();
  for (std::int32_t ahead = 2; ahead < count - 5; ++ahead)  // over tile 0 too
    CHECK(!game.frame_at_tile((50 + ahead) % count).is_last());
  game.frame_off_road();
  CHECK(!game.frame_at_tile(0).is_last());
  CHECK(game.frame_at_tile(50).lap_finished == 1);
}

TEST(an_episode_can_keep_its_track) {
  Pcg64 random(game_seed(20));
  auto track = std::make_shared<Track>();
  create_track(random, *track);
  GameOptions options;
  options.track = track;
  Game game(21, options);
  CHECK(game.episode.random().state() == Pcg64(game_seed(21)).state());
  game.begin();
  CHECK(game.episode.random().state() == Pcg64(game_seed(21)).state());
  CHECK(game.episode.failed_tracks() == 0 && game.episode.num_tiles() == track->num_tiles());
  CHECK(game.episode.track().nodes[30].x == track->nodes[30].x);
}

TEST(a_start_tile_that_is_none_of_the_track_raises) {
  Game first(16);
  const auto good = bytes_of(first.episode);
  // The field in front of lap_is_complete_.
  constexpr std::size_t after = sizeof(bool) + 4 * sizeof(double);
  for (const std::int32_t tile : {-1, first.episode.num_tiles(), 1 << 30}) {
    auto bad = good;
    std::memcpy(bad.data() + bad.size() - after - sizeof(tile), &tile, sizeof(tile));
    Game target(17);
    StateReader reader(bad);
    reader(target.episode);
    CHECK_THROWS(std::invalid_argument, "cannot occur: its tiles", target.episode.finish_loading(first.episode));
  }
}
