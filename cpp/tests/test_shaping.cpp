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

// A game whose car is put on a tile, or off the road, for a step of one frame each.
struct Game {
  explicit Game(std::uint64_t seed, const ShapingOptions& with) : rules(with), episode(options, game_seed(seed)) {
    episode.begin(options, CarKernels::kPortable, true, block, 0);
    book.begin(episode);
  }

  EndedBy decide(Point place, double angle) {
    place_car(block, 0, place, angle);
    return judge();
  }
  EndedBy decide_at(std::int32_t tile) {
    const Node& node = episode.track().nodes[static_cast<std::size_t>(tile)];
    return decide({node.x, node.y}, node.beta);
  }
  EndedBy decide_off_road() { return decide({0, 0}, 0); }
  EndedBy judge() {
    CarKernels::kPortable.drive(block, 1);
    episode.touch_road(options, block, 0);
    CarKernels::kPortable.solve(block, 1);
    end = episode.finish_frame(options, block, 0);
    reward_before = end.reward;
    return book.apply(rules, episode, end);
  }
  double fine() const { return reward_before - end.reward; }
  std::int32_t count() const { return episode.num_tiles(); }

  GameOptions options;
  ShapingOptions rules;
  CarBlock block = parked_block();
  Episode episode;
  Shaping book;
  FrameEnd end;
  double reward_before = 0;
};

// missed_tiles.py, with sets.
struct NaiveSkips {
  std::int32_t progress = -1;
  std::set<std::int32_t> judged;

  void advance(const Episode& episode) {
    const std::int32_t from = progress;
    for (const std::int32_t tile : episode.under_wheels())
      if (tile > from && tile <= from + 25) progress = std::max(progress, tile);
  }
  std::int32_t judge(const Episode& episode, std::int32_t margin) {
    advance(episode);
    std::int32_t skipped = 0;
    for (std::int32_t tile = 0; tile < progress - margin; ++tile)
      if (judged.insert(tile).second && !episode.is_visited(tile)) ++skipped;
    return skipped;
  }
};

}  // namespace

TEST(without_rules_the_end_of_a_frame_stays_as_it_is) {
  Game game(1, {});
  for (int i = 0; i < 300; ++i) {
    CHECK(game.decide_off_road() == EndedBy::kGame);
    CHECK(game.fine() == 0 && !game.end.is_last());
  }
}

TEST(a_stall_terminates_and_costs) {
  ShapingOptions rules;
  rules.stall_steps = 4;
  rules.stall_penalty = 7.5;
  Game game(2, rules);
  for (int i = 0; i < 3; ++i) CHECK(game.decide_at(0) == EndedBy::kGame);  // the reset's tiles are not new
  CHECK(game.decide_at(20) == EndedBy::kGame);                            // two new ones
  for (int i = 0; i < 3; ++i) {
    CHECK(game.decide_at(20) == EndedBy::kGame);
    CHECK(game.fine() == 0 && !game.end.is_last());
  }
  CHECK(game.decide_at(20) == EndedBy::kStall);
  CHECK(near(game.fine(), 7.5) && game.end.terminated && !game.end.truncated && game.end.lap_finished == -1);
  game.book.begin(game.episode);
  for (int i = 0; i < 3; ++i) CHECK(game.decide_at(20) == EndedBy::kGame);
}

TEST(a_step_without_a_new_tile_costs) {
  ShapingOptions rules;
  rules.idle_penalty = 2.5;
  Game game(4, rules);
  game.decide_at(0);
  CHECK(near(game.fine(), 2.5));  // the reset's tiles are not new
  game.decide_at(20);
  CHECK(game.fine() == 0);
  game.decide_at(20);
  CHECK(near(game.fine(), 2.5));
  game.decide_off_road();
  CHECK(near(game.fine(), 2.5) && !game.end.is_last());
  game.decide_at(40);
  CHECK(game.fine() == 0);
}

TEST(a_stall_is_never_called_where_the_game_has_ended) {
  ShapingOptions rules;
  rules.stall_steps = 2;
  Game game(3, rules);
  game.decide_off_road();
  CHECK(game.decide({400, 0}, 0) == EndedBy::kGame);
  CHECK(game.end.reward == -100 && game.end.terminated && game.end.lap_finished == 0);

  Game truncated(3, rules);
  truncated.options.max_episode_frames = 2;
  truncated.decide_off_road();
  CHECK(truncated.decide_off_road() == EndedBy::kGame);
  CHECK(truncated.end.truncated && !truncated.end.terminated && truncated.fine() == 0);
}

TEST(a_full_lap_pays_the_bonus) {
  ShapingOptions rules;
  rules.lap_bonus = 300;
  rules.stall_steps = 50;
  Game game(6, rules);
  EndedBy ended_by = EndedBy::kGame;
  for (std::int32_t tile = 1; tile < game.count() && !game.end.is_last(); ++tile) ended_by = game.decide_at(tile);
  CHECK(game.episode.num_visited() == game.count() && game.end.lap_finished == 1);
  CHECK(game.end.terminated && !game.end.truncated && ended_by == EndedBy::kGame && near(game.fine(), -300));
  CHECK(game.decide({400, 0}, 0) == EndedBy::kGame);  // off the field is no lap
  CHECK(game.end.terminated && game.fine() == 0);
}

TEST(back_at_the_start_with_tiles_missed_the_lap_is_over) {
  ShapingOptions rules;
  rules.lap_bonus = 300;
  rules.missed_tile_penalty = 2;
  Game game(7, rules);
  for (std::int32_t tile = 1; tile < game.count() - 10; ++tile) CHECK(game.decide_at(tile) == EndedBy::kGame);
  CHECK(!game.end.is_last());
  const std::int32_t missed = game.count() - game.episode.num_visited();
  CHECK(missed >= 8);
  CHECK(game.decide_at(3) == EndedBy::kLapEnd);
  CHECK(game.end.terminated && !game.end.truncated && near(game.fine(), 2 - 300));

  // Backwards over the line, and forwards again.
  Game backwards(7, rules);
  for (const std::int32_t tile : {0, backwards.count() - 2, backwards.count() - 4, 0, 2})
    CHECK(backwards.decide_at(tile) == EndedBy::kGame && !backwards.end.is_last());

  // Without the rule the second lap begins.
  Game without(7, {});
  for (std::int32_t tile = 1; tile < without.count() - 10; ++tile) without.decide_at(tile);
  CHECK(without.decide_at(3) == EndedBy::kGame && !without.end.is_last());
}

TEST(a_lap_that_ends_at_the_line_with_tiles_missing_pays_too) {
  ShapingOptions rules;
  rules.lap_bonus = 300;
  rules.missed_tile_penalty = 0.5;
  Game game(7, rules);
  game.options.ends_at_start_line = true;
  game.options.lap_complete_percent = 0.1;
  for (std::int32_t tile = 1; tile < 60; ++tile) game.decide_at(tile);
  CHECK(game.decide_at(0) == EndedBy::kGame);
  CHECK(game.end.terminated && !game.end.truncated && game.end.lap_finished == 1);
  CHECK(near(game.fine(), 0.5 - 300));
}

TEST(a_missed_tile_penaltys_once_beyond_the_margin) {
  ShapingOptions rules;
  rules.missed_tile_penalty = 0.5;
  rules.missed_tile_margin = 3;
  Game game(8, rules);
  game.decide_at(0);
  CHECK(game.fine() == 0);
  game.decide_at(9);  // touches 9 and 10; 2 to 8 are unvisited, of which 2 to 6 are more than 3 behind
  CHECK(game.episode.under_wheels().back() == 10);
  CHECK(near(game.fine(), 0.5));
  game.decide_at(9);
  CHECK(game.fine() == 0);
  game.decide_at(10);  // 7
  CHECK(near(game.fine(), 0.5));
  game.decide_at(4);  // coming back refunds nothing
  CHECK(game.fine() == 0);
  game.decide_at(60);  // too far ahead to be a gap in the drive
  CHECK(game.fine() == 0);
  game.decide_at(34);  // 35 is within 25 of 11
  CHECK(near(game.fine(), 0.5));  // 8 and 12 to 31
}

TEST(missed_tiles_are_those_of_a_naive_model) {
  Random random(9);
  for (const std::int32_t margin : {0, 3, 10}) {
    ShapingOptions rules;
    rules.missed_tile_penalty = 0.25;
    rules.missed_tile_margin = margin;
    Game game(9, rules);
    NaiveSkips naive;
    naive.advance(game.episode);
    std::int32_t tile = 0;
    double total = 0;
    for (int i = 0; i < 400; ++i) {
      const std::int64_t step = random.chance(0.05) ? random.below(80) - 40 : random.below(7) - 1;
      tile = static_cast<std::int32_t>((tile + step + game.count()) % game.count());
      if (random.chance(0.1))
        game.decide_off_road();
      else
        game.decide_at(tile);
      CHECK(near(game.fine(), naive.judge(game.episode, margin) > 0 ? 0.25 : 0));
      total += game.fine();
    }
    CHECK(total > 5);
  }
}

TEST(what_the_rules_remember_is_saved) {
  ShapingOptions rules;
  rules.missed_tile_penalty = 0.5;
  rules.stall_steps = 6;
  Game game(10, rules);
  game.decide_at(0);
  game.decide_at(8);
  game.decide_off_road();
  game.decide_off_road();
  StateWriter writer;
  writer(game.book);
  const auto bytes = writer.take();
  Shaping restored;
  StateReader reader(bytes);
  reader(restored);
  CHECK(reader.is_at_end());
  game.book = restored;
  game.decide_at(8);
  CHECK(game.fine() == 0);  // 2 to 5 were judged before
  game.decide_at(12);
  CHECK(near(game.fine(), 0.5));  // 6 and 7

  Game stalling(10, rules);
  stalling.book = restored;
  stalling.decide_at(8);  // the tiles that the book knows of: idle for the third time
  for (int i = 0; i < 2; ++i) CHECK(stalling.decide_off_road() == EndedBy::kGame);
  CHECK(stalling.decide_off_road() == EndedBy::kStall);
}
