#include "racing/game/shaping.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "check.hpp"
#include "games.hpp"
#include "racing/base/state_io.hpp"

using namespace apexline::racing;
using namespace apexline::test;

namespace {

bool near(double a, double b) { return std::abs(a - b) < 1e-9; }

// A game whose car is placed on a tile or off the road for steps of one frame.
struct Game {
  explicit Game(std::uint64_t seed, const ShapingOptions& with) : rules(with), episode(options, game_seed(seed)) {
    episode.begin(options, CarKernels::kPortable, true, block, 0);
    shaping.begin(episode);
  }

  EndedBy step_at(Point place, double angle) {
    place_car(block, 0, place, angle);
    return step();
  }
  EndedBy step_on_tile(std::int32_t tile) {
    const Node& node = episode.track().nodes[static_cast<std::size_t>(tile)];
    return step_at({node.x, node.y}, node.beta);
  }
  EndedBy step_off_road() { return step_at({0, 0}, 0); }
  EndedBy step() {
    CarKernels::kPortable.drive(block, 1, {});
    episode.touch_road(options, block, 0);
    CarKernels::kPortable.solve(block, 1);
    end = episode.finish_frame(options, block, 0);
    reward_before = end.reward;
    return shaping.apply(rules, episode, end);
  }
  double penalty() const { return reward_before - end.reward; }
  std::int32_t count() const { return episode.num_tiles(); }

  GameOptions options;
  ShapingOptions rules;
  CarBlock block = parked_block();
  Episode episode;
  Shaping shaping;
  FrameEnd end;
  double reward_before = 0;
};

// The rule of missed tiles, with sets.
struct NaiveMissedTiles {
  std::int32_t progress = -1;
  std::set<std::int32_t> checked;

  void advance(const Episode& episode) {
    const std::int32_t from = progress;
    for (const std::int32_t tile : episode.under_wheels())
      if (tile > from && tile <= from + 25) progress = std::max(progress, tile);
  }
  std::int32_t count_missed(const Episode& episode, std::int32_t margin) {
    advance(episode);
    std::int32_t missed = 0;
    for (std::int32_t tile = 0; tile < progress - margin; ++tile)
      if (checked.insert(tile).second && !episode.is_visited(tile)) ++missed;
    return missed;
  }
};

}  // namespace

TEST(without_rules_the_end_of_a_frame_is_unchanged) {
  Game game(1, {});
  for (int i = 0; i < 300; ++i) {
    CHECK(game.step_off_road() == EndedBy::kGame);
    CHECK(game.penalty() == 0 && !game.end.is_last());
  }
}

TEST(a_stall_terminates_with_its_penalty) {
  ShapingOptions rules;
  rules.stall_steps = 4;
  rules.stall_penalty = 7.5;
  Game game(2, rules);
  for (int i = 0; i < 3; ++i) CHECK(game.step_on_tile(0) == EndedBy::kGame);  // tiles of the reset are not new
  CHECK(game.step_on_tile(20) == EndedBy::kGame);                            // two new ones
  for (int i = 0; i < 3; ++i) {
    CHECK(game.step_on_tile(20) == EndedBy::kGame);
    CHECK(game.penalty() == 0 && !game.end.is_last());
  }
  CHECK(game.step_on_tile(20) == EndedBy::kStall);
  CHECK(near(game.penalty(), 7.5) && game.end.terminated && !game.end.truncated && game.end.lap_finished == -1);
  game.shaping.begin(game.episode);
  for (int i = 0; i < 3; ++i) CHECK(game.step_on_tile(20) == EndedBy::kGame);
}

TEST(a_step_without_a_new_tile_is_penalised) {
  ShapingOptions rules;
  rules.idle_penalty = 2.5;
  Game game(4, rules);
  game.step_on_tile(0);
  CHECK(near(game.penalty(), 2.5));  // tiles of the reset are not new
  game.step_on_tile(20);
  CHECK(game.penalty() == 0);
  game.step_on_tile(20);
  CHECK(near(game.penalty(), 2.5));
  game.step_off_road();
  CHECK(near(game.penalty(), 2.5) && !game.end.is_last());
  game.step_on_tile(40);
  CHECK(game.penalty() == 0);
}

TEST(no_stall_if_the_game_has_ended) {
  ShapingOptions rules;
  rules.stall_steps = 2;
  Game game(3, rules);
  game.step_off_road();
  CHECK(game.step_at({400, 0}, 0) == EndedBy::kGame);
  CHECK(game.end.reward == -100 && game.end.terminated && game.end.lap_finished == 0);

  Game truncated(3, rules);
  truncated.options.max_episode_frames = 2;
  truncated.step_off_road();
  CHECK(truncated.step_off_road() == EndedBy::kGame);
  CHECK(truncated.end.truncated && !truncated.end.terminated && truncated.penalty() == 0);
}

TEST(a_full_lap_gets_the_bonus) {
  ShapingOptions rules;
  rules.lap_bonus = 300;
  rules.stall_steps = 50;
  Game game(6, rules);
  EndedBy ended_by = EndedBy::kGame;
  for (std::int32_t tile = 1; tile < game.count() && !game.end.is_last(); ++tile) ended_by = game.step_on_tile(tile);
  CHECK(game.episode.num_visited() == game.count() && game.end.lap_finished == 1);
  CHECK(game.end.terminated && !game.end.truncated && ended_by == EndedBy::kGame && near(game.penalty(), -300));
  CHECK(game.step_at({400, 0}, 0) == EndedBy::kGame);  // off the field is no lap
  CHECK(game.end.terminated && game.penalty() == 0);
}

TEST(a_lap_with_missed_tiles_ends_at_the_start) {
  ShapingOptions rules;
  rules.lap_bonus = 300;
  rules.missed_tile_penalty = 2;
  Game game(7, rules);
  for (std::int32_t tile = 1; tile < game.count() - 10; ++tile) CHECK(game.step_on_tile(tile) == EndedBy::kGame);
  CHECK(!game.end.is_last());
  const std::int32_t missed = game.count() - game.episode.num_visited();
  CHECK(missed >= 8);
  CHECK(game.step_on_tile(3) == EndedBy::kLapEnd);
  CHECK(game.end.terminated && !game.end.truncated && near(game.penalty(), 2 - 300));

  // Backwards over the line, and forwards again.
  Game backwards(7, rules);
  for (const std::int32_t tile : {0, backwards.count() - 2, backwards.count() - 4, 0, 2})
    CHECK(backwards.step_on_tile(tile) == EndedBy::kGame && !backwards.end.is_last());

  // Without the rule the second lap begins.
  Game without(7, {});
  for (std::int32_t tile = 1; tile < without.count() - 10; ++tile) without.step_on_tile(tile);
  CHECK(without.step_on_tile(3) == EndedBy::kGame && !without.end.is_last());
}

TEST(a_lap_that_ends_at_the_line_with_tiles_missing_gets_the_bonus_too) {
  ShapingOptions rules;
  rules.lap_bonus = 300;
  rules.missed_tile_penalty = 0.5;
  Game game(7, rules);
  game.options.ends_at_start_line = true;
  game.options.lap_complete_percent = 0.1;
  for (std::int32_t tile = 1; tile < 60; ++tile) game.step_on_tile(tile);
  CHECK(game.step_on_tile(0) == EndedBy::kGame);
  CHECK(game.end.terminated && !game.end.truncated && game.end.lap_finished == 1);
  CHECK(near(game.penalty(), 0.5 - 300));
}

TEST(a_missed_tile_is_penalised_once_beyond_the_margin) {
  ShapingOptions rules;
  rules.missed_tile_penalty = 0.5;
  rules.missed_tile_margin = 3;
  Game game(8, rules);
  game.step_on_tile(0);
  CHECK(game.penalty() == 0);
  game.step_on_tile(9);  // touches 9 and 10; 2 to 8 are unvisited, of which 2 to 6 are more than 3 behind
  CHECK(game.episode.under_wheels().back() == 10);
  CHECK(near(game.penalty(), 0.5));
  game.step_on_tile(9);
  CHECK(game.penalty() == 0);
  game.step_on_tile(10);  // 7
  CHECK(near(game.penalty(), 0.5));
  game.step_on_tile(4);  // going back changes nothing
  CHECK(game.penalty() == 0);
  game.step_on_tile(60);  // too far ahead to be a gap in the drive
  CHECK(game.penalty() == 0);
  game.step_on_tile(34);  // 35 is within 25 of 11
  CHECK(near(game.penalty(), 0.5));  // 8 and 12 to 31
}

TEST(missed_tiles_equal_a_naive_model) {
  Random random(9);
  for (const std::int32_t margin : {0, 3, 10}) {
    ShapingOptions rules;
    rules.missed_tile_penalty = 0.25;
    rules.missed_tile_margin = margin;
    Game game(9, rules);
    NaiveMissedTiles naive;
    naive.advance(game.episode);
    std::int32_t tile = 0;
    double total = 0;
    for (int i = 0; i < 400; ++i) {
      const std::int64_t step = random.chance(0.05) ? random.below(80) - 40 : random.below(7) - 1;
      tile = static_cast<std::int32_t>((tile + step + game.count()) % game.count());
      if (random.chance(0.1))
        game.step_off_road();
      else
        game.step_on_tile(tile);
      CHECK(near(game.penalty(), naive.count_missed(game.episode, margin) > 0 ? 0.25 : 0));
      total += game.penalty();
    }
    CHECK(total > 5);
  }
}

TEST(the_state_of_the_rules_is_saved) {
  ShapingOptions rules;
  rules.missed_tile_penalty = 0.5;
  rules.stall_steps = 6;
  Game game(10, rules);
  game.step_on_tile(0);
  game.step_on_tile(8);
  game.step_off_road();
  game.step_off_road();
  StateWriter writer;
  writer(game.shaping);
  const auto bytes = writer.take();
  Shaping restored;
  StateReader reader(bytes);
  reader(restored);
  CHECK(reader.is_at_end());
  game.shaping = restored;
  game.step_on_tile(8);
  CHECK(game.penalty() == 0);  // 2 to 5 were checked before
  game.step_on_tile(12);
  CHECK(near(game.penalty(), 0.5));  // 6 and 7

  Game stalling(10, rules);
  stalling.shaping = restored;
  stalling.step_on_tile(8);  // no new tile: idle for the third time
  for (int i = 0; i < 2; ++i) CHECK(stalling.step_off_road() == EndedBy::kGame);
  CHECK(stalling.step_off_road() == EndedBy::kStall);
}
