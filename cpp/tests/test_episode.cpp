#include "racing/game/episode.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "episodes.hpp"

using namespace apexline::racing;
using namespace apexline::test;

TEST(a_reset_visits_tiles_0_and_1_and_the_first_frame_rewards_them) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Game game(seed);
    CHECK(game.episode.num_visited() == 2 && game.episode.is_visited(0) && game.episode.is_visited(1));
    CHECK(!game.episode.is_visited(2) && !game.episode.is_visited(game.episode.num_tiles() - 1));
    CHECK(game.episode.under_wheels() == std::vector<std::int32_t>({0, 1}));
    CHECK(game.episode.num_frames() == 0);
    const Scene scene = game.episode.scene(game.block, Game::kLane);
    CHECK(scene.seconds == 0.02 && near(scene.score, 2 * game.tile_reward()));
    const FrameEnd first = game.frame();
    CHECK(near(first.reward, 2 * game.tile_reward() - 0.1));
    CHECK(!first.is_last() && first.lap_finished == -1);
    CHECK(near(game.frame().reward, -0.1));
    CHECK(game.episode.num_frames() == 2);
  }
}

TEST(only_the_lane_of_an_episode_is_written) {
  Game game(1);
  const CarBlock parked = parked_block();
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    CHECK((lane_bits(game.block, lane) == lane_bits(parked, lane)) == (lane != Game::kLane));
  const auto before = game.block;
  game.frame({0, 1, 0});
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    CHECK((lane_bits(game.block, lane) == lane_bits(before, lane)) == (lane != Game::kLane));
}

TEST(a_tile_is_rewarded_once) {
  Game game(2);
  game.frame();
  CHECK(near(game.frame_at_tile(10).reward, 2 * game.tile_reward() - 0.1));
  CHECK(game.episode.is_visited(10) && game.episode.is_visited(11) && game.episode.num_visited() == 4);
  CHECK(near(game.frame_at_tile(10).reward, -0.1));
  game.frame_off_road();
  CHECK(near(game.frame_at_tile(10).reward, -0.1));
  CHECK(game.episode.num_visited() == 4);
}

TEST(a_wheel_is_on_the_road_while_it_touches_a_tile) {
  Game game(3);
  game.frame_at_tile(20);
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) CHECK(game.block.on_road[wheel][Game::kLane] == -1);
  game.frame_off_road();
  CHECK(game.episode.under_wheels().empty());
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) CHECK(game.block.on_road[wheel][Game::kLane] == 0);
  // Only the right wheels are on the road.
  const Node& node = game.episode.track().nodes[20];
  const double side = -(40 / 6.0 + 0.6);
  game.frame_at({node.x + side * std::cos(node.beta), node.y + side * std::sin(node.beta)}, node.beta);
  // The initial offsets of the wheels are not rotated: place the wheels at their joints.
  game.frame();
  CHECK(game.block.on_road[0][Game::kLane] == 0 && game.block.on_road[1][Game::kLane] == -1);
  CHECK(game.block.on_road[2][Game::kLane] == 0 && game.block.on_road[3][Game::kLane] == -1);
}

TEST(a_tile_is_rewarded_one_frame_after_a_wheel_reaches_it) {
  Game game(4);
  int num_paid = 0;
  for (int i = 0; i < 150; ++i) {
    // The contacts of the next frame use the current positions of the wheels.
    std::vector<std::int32_t> reached;
    std::vector<std::uint8_t> wheels_of_reached;
    Road road;
    road.build(game.episode.track());
    const CarPose pose = pose_of_car(game.block, Game::kLane);
    road.near(pose, [&](std::int32_t tile) {
      unsigned wheels = 0;
      for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel)
        if (road.touches_wheel(tile, pose.wheels[wheel])) wheels |= 1U << wheel;
      if (wheels == 0) return;
      reached.push_back(tile);
      wheels_of_reached.push_back(static_cast<std::uint8_t>(wheels));
    });
    const std::int32_t before = game.episode.num_visited();
    game.frame(follow_lane(game.episode, game.block, Game::kLane));
    CHECK(game.episode.under_wheels() == reached);
    CHECK(game.episode.touching_wheels() == wheels_of_reached);
    num_paid += game.episode.num_visited() - before;
  }
  CHECK(num_paid > 10);
}

TEST(the_hull_touches_tiles_without_visiting_them) {
  Game game(5);
  const std::int32_t visited = game.episode.num_visited();
  const std::int32_t touched = game.num_touched();
  // Next to the road with only the nose over its edge, which is 1.06 units ahead of the front wheels.
  const Node& node = game.episode.track().nodes[40];
  const double side = 40 / 6.0 + 2.4;
  place_car(game.block, Game::kLane, {node.x + side * std::cos(node.beta), node.y + side * std::sin(node.beta)},
            node.beta + kPi / 2);
  for (int i = 0; i < 2; ++i) {  // the joints first move the wheels
    game.kernels.solve(game.block, 1U << Game::kLane);
  }
  game.frame();
  CHECK(game.episode.num_visited() == visited && game.episode.under_wheels().empty());
  CHECK(game.num_touched() > touched);
  const std::int32_t after = game.num_touched();
  game.frame_off_road();
  CHECK(game.num_touched() == after);  // they stay touched
}

TEST(leaving_the_field_has_reward_minus_100_and_does_not_change_the_score) {
  for (const Point place : {Point{334, 0}, Point{-334, 0}, Point{0, 334}, Point{0, -334}}) {
    Game game(6);
    game.frame();
    game.frame_at_tile(30);
    const double score = game.episode.scene(game.block, Game::kLane).score;
    const FrameEnd end = game.frame_at(place);
    CHECK(end.reward == -100 && end.terminated && !end.truncated && end.lap_finished == 0);
    game.frame_off_road();  // the displayed score excludes the last frame's penalty
    CHECK(near(game.episode.scene(game.block, Game::kLane).score, score - 0.2));
    CHECK(near(game.frame_off_road().reward, -0.1));
  }
  Game game(6);
  CHECK(!game.frame_at({333, 333}).terminated);
}

TEST(a_visit_to_every_tile_ends_the_lap) {
  Game game(7);
  double total = 0;
  FrameEnd end;
  for (std::int32_t tile = 0; tile < game.episode.num_tiles(); ++tile) {
    CHECK(!end.terminated && end.lap_finished == -1);
    end = game.frame_at_tile(tile);
    total += end.reward;
    if (end.terminated) break;
  }
  CHECK(end.terminated && end.lap_finished == 1 && game.episode.num_visited() == game.episode.num_tiles());
  CHECK(near(total, 1000 - 0.1 * game.episode.num_frames()));
}

TEST(leaving_the_field_is_not_a_finished_lap) {
  Game game(7);
  for (std::int32_t tile = 0; tile < game.episode.num_tiles(); ++tile) game.frame_at_tile(tile);
  const FrameEnd end = game.frame_at({400, 0});
  CHECK(end.terminated && end.lap_finished == 0 && end.reward == -100);
}

TEST(laps_end_at_the_start_line_with_ends_at_start_line_only) {
  for (const bool repaired : {false, true}) {
    for (const double percent : {0.95, 0.5}) {
      GameOptions options;
      options.ends_at_start_line = repaired;
      options.lap_complete_percent = percent;
      Game game(8, options);
      const std::int32_t count = game.episode.num_tiles();
      std::int32_t tile = 2;
      while (game.episode.num_visited() <= 0.5 * count) CHECK(!game.frame_at_tile(tile++).is_last());
      const bool half = repaired && percent == 0.5;
      CHECK(game.frame_at_tile(0).terminated == half);
      while (game.episode.num_visited() <= 0.95 * count) game.frame_at_tile(tile++);
      game.frame_off_road();
      const FrameEnd end = game.frame_at_tile(0);
      CHECK(end.terminated == repaired && end.lap_finished == (repaired ? 1 : -1));
      CHECK(game.episode.num_visited() < count);
    }
  }
}

TEST(a_car_that_stays_on_the_start_line_has_not_crossed_it) {
  GameOptions options;
  options.ends_at_start_line = true;
  Game game(9, options);
  game.options.lap_complete_percent = 2.5 / game.episode.num_tiles();  // a third tile exceeds it
  CHECK(!game.frame().terminated);
  const Node& start = game.episode.track().nodes[0];
  const double ahead = 1.7;  // the front wheels reach tile 2, the rear ones still touch tile 0
  const FrameEnd end =
      game.frame_at({start.x - ahead * std::sin(start.beta), start.y + ahead * std::cos(start.beta)}, start.beta);
  CHECK(game.episode.under_wheels() == std::vector<std::int32_t>({0, 1, 2}) && game.episode.num_visited() == 3);
  CHECK(!end.terminated);
  CHECK(!game.frame_off_road().terminated);
  CHECK(game.frame_at_tile(0).terminated);
}

TEST(an_episode_is_truncated_after_max_episode_frames) {
  GameOptions options;
  options.max_episode_frames = 12;
  Game game(10, options);
  for (int i = 1; i <= 11; ++i) CHECK(!game.frame().is_last());
  CHECK(game.frame().truncated);
  CHECK(game.frame().truncated);  // also in further frames
  game.begin();
  CHECK(!game.frame().truncated);
  options.max_episode_frames.reset();
  Game endless(10, options);
  for (int i = 0; i < 1100; ++i) CHECK(!endless.frame().truncated);
}

TEST(episodes_consume_random_numbers_for_tracks_and_colours_only) {
  for (const bool randomises : {false, true}) {
    GameOptions options;
    options.domain_randomize = randomises;
    Game game(11, options);
    Pcg64 random(game_seed(11));
    Palette palette;
    if (randomises) {
      random_palette(random);  // the game's constructor
      palette = random_palette(random);
    }
    Track track;
    CHECK(game.episode.failed_tracks() == create_track(random, track));
    CHECK(game.episode.random().state() == random.state());
    CHECK(game.episode.scene(game.block, 5).colours.grass == surface_colours(palette).grass);
    CHECK(track.nodes[50].x == game.episode.track().nodes[50].x);

    game.begin(false);  // keeps the colours
    create_track(random, track);
    CHECK(game.episode.random().state() == random.state());
    CHECK(game.episode.scene(game.block, 5).colours.background == surface_colours(palette).background);

    game.begin(true);
    if (randomises) palette = random_palette(random);
    create_track(random, track);
    CHECK(game.episode.random().state() == random.state());
    CHECK(game.episode.scene(game.block, 5).colours.road == surface_colours(palette).road);
  }
}

TEST(an_episode_depends_on_the_random_state_only) {
  Game game(12);
  for (int i = 0; i < 80; ++i) game.frame({0.3, 1, 0});
  const Pcg64::State state = game.episode.random().state();
  game.begin();
  Game fresh(12);
  fresh.episode.set_random(state);
  fresh.begin();
  for (int i = 0; i < 80; ++i) {
    const Pedals pedals = follow_lane(game.episode, game.block, Game::kLane);
    CHECK(game.frame(pedals).reward == fresh.frame(pedals).reward);
  }
  CHECK(lane_bits(game.block, Game::kLane) == lane_bits(fresh.block, Game::kLane));
  CHECK(bytes_of(game.episode) == bytes_of(fresh.episode));
}

TEST(the_scene_shows_the_car) {
  Game game(13);
  for (int i = 0; i < 40; ++i) game.frame({1, 1, 0});
  const Scene scene = game.episode.scene(game.block, Game::kLane);
  const std::size_t lane = Game::kLane;
  CHECK(scene.track == &game.episode.track());
  CHECK(scene.hull.x == game.block.x[kHullBody][lane] && scene.hull.angle == game.block.angle[kHullBody][lane]);
  CHECK(scene.velocity_y == game.block.velocity_y[kHullBody][lane] && scene.spin == game.block.spin[kHullBody][lane]);
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
    CHECK(scene.wheels[wheel].pose.y == game.block.y[wheel][lane]);
    CHECK(scene.wheels[wheel].omega == game.block.omega[wheel][lane]);
    CHECK(scene.wheels[wheel].phase == game.block.phase[wheel][lane]);
  }
  CHECK(scene.steering_angle < -0.3F);
  CHECK(near(scene.seconds, 41 * 0.02));
}

TEST(a_restored_state_continues_identically) {
  GameOptions options;
  options.keeps_skid_marks = true;
  options.ends_at_start_line = true;
  Game game(14, options);
  for (int i = 0; i < 120; ++i) game.frame({i % 40 < 20 ? 1.0 : -1.0, 1, 0});
  CHECK(!game.episode.skid_marks().marks().empty());
  const auto bytes = bytes_of(game.episode);
  Game other(15, options);
  StateReader reader(bytes);
  reader(other.episode);
  other.episode.finish_loading(Episode(other.options, game_seed(0)));
  CHECK(reader.is_at_end());
  other.block = game.block;
  for (int i = 0; i < 120; ++i) {
    const Pedals pedals{i % 30 < 20 ? -1.0 : 1.0, 0.7, 0};
    CHECK(game.frame(pedals).reward == other.frame(pedals).reward);
  }
  CHECK(bytes_of(game.episode) == bytes_of(other.episode));
  game.begin();
  other.begin();
  CHECK(bytes_of(game.episode) == bytes_of(other.episode));
}

TEST(the_state_includes_whether_the_car_is_on_the_start_line) {
  GameOptions options;
  options.ends_at_start_line = true;
  Game on_line(18, options);
  on_line.options.lap_complete_percent = 0;  // at the next crossing of the line
  CHECK(!on_line.frame().terminated);
  const auto bytes = bytes_of(on_line.episode);
  Game other(19, options);
  other.frame_off_road();
  StateReader reader(bytes);
  reader(other.episode);
  other.episode.finish_loading(Episode(other.options, game_seed(0)));
  other.options = on_line.options;
  other.block = on_line.block;
  CHECK(!other.frame().terminated);
  other.frame_off_road();
  CHECK(other.frame_at_tile(0).terminated);
}

TEST(the_id_of_an_episode_changes_with_its_road) {
  Game game(14);
  Game other(14);
  CHECK(game.episode.id() != other.episode.id());
  const std::uint64_t first = game.episode.id();
  const auto bytes = bytes_of(game.episode);
  game.frame();
  CHECK(game.episode.id() == first);
  Episode before = game.episode;
  StateReader{bytes}(game.episode);
  game.episode.finish_loading(before);
  CHECK(game.episode.id() == first);
  game.begin();
  CHECK(game.episode.id() != first);
  before = game.episode;
  StateReader{bytes}(game.episode);
  game.episode.finish_loading(before);
  CHECK(game.episode.id() != first && game.episode.id() != before.id());
}

TEST(a_tile_under_a_wheel_is_touched_by_one_to_four_wheels) {
  Game game(16);
  game.frame_at_tile(30);
  const auto good = bytes_of(game.episode);
  const std::vector<std::uint8_t>& wheels = game.episode.touching_wheels();
  StateWriter writer;
  writer(wheels);
  const auto field = writer.take();  // the number of entries, then the entries
  const auto place = std::search(good.begin(), good.end(), field.begin(), field.end());
  CHECK(!wheels.empty() && place != good.end());
  for (const int wheels_of_tile : {0, 16, 255}) {
    auto bad = good;
    bad[static_cast<std::size_t>(place - good.begin()) + field.size() - 1] = static_cast<std::uint8_t>(wheels_of_tile);
    Game target(17);
    StateReader reader(bad);
    reader(target.episode);
    CHECK_THROWS(std::invalid_argument, "cannot occur: its tiles", target.episode.finish_loading(game.episode));
  }
}
