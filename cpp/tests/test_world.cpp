#include "racing/world.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "worlds.hpp"

using namespace apexline::racing;
using namespace apexline::test;

namespace {

bool near(double a, double b) { return std::abs(a - b) < 1e-9; }

// The results of each environment over some steps.
std::vector<std::vector<Outcome>> played(const WorldOptions& options, int num_steps) {
  TestWorld envs(options);
  std::vector<std::vector<Outcome>> games(envs.world.num_envs());
  const auto note = [&] {
    for (std::size_t env = 0; env < games.size(); ++env) games[env].push_back(envs.outcome(env));
  };
  envs.reset();
  note();
  for (int i = 0; i < num_steps; ++i) {
    envs.step();
    note();
  }
  return games;
}

bool same(const Report& a, const Report& b) { return bytes_of(a) == bytes_of(b); }

}  // namespace

TEST(results_depend_on_neither_threads_nor_the_number_of_environments) {
  for (const Autoreset autoreset : {Autoreset::kNextStep, Autoreset::kSameStep}) {
    WorldOptions options = short_episodes(16, autoreset);
    options.action_repeat = 3;
    options.game.max_episode_frames = 20;
    const auto expected = played(options, 16);
    for (const int num_threads : {2, 3}) {
      options.num_threads = num_threads;
      CHECK(played(options, 16) == expected);
    }
    for (const std::int32_t num_envs : {1, 7}) {
      options.num_envs = num_envs;
      const auto fewer = played(options, 16);
      for (std::size_t env = 0; env < fewer.size(); ++env) CHECK(fewer[env] == expected[env]);
    }
  }
}

TEST(a_step_of_chosen_environments_is_a_step_of_each_alone) {
  for (const int num_threads : {1, 3}) {
    for (const Autoreset autoreset : {Autoreset::kNextStep, Autoreset::kSameStep}) {
      WorldOptions options = short_episodes(19, autoreset);
      options.num_threads = num_threads;
      options.frame_stack = 3;
      TestWorld all(options);
      TestWorld some(options);
      all.reset();
      some.reset();
      // Rows in this order; blocks of eight with one environment, several and none.
      const std::vector<std::uint32_t> chosen{17, 3, 0, 7, 5};
      for (int turn = 0; turn < 25; ++turn) {
        const std::vector<Action> actions = all.actions();
        std::vector<Action> rows;
        for (const std::uint32_t env : chosen) rows.push_back(actions[env]);
        all.step(actions);
        const auto untouched = some.world.save(4);
        some.world.step(rows, some.frames.data(), some.reports, some.final_frames.data(), some.final_reports, chosen);
        CHECK(some.world.save(4) == untouched);
        for (std::size_t row = 0; row < chosen.size(); ++row) {
          const Outcome ours = some.outcome(row);
          const Outcome theirs = all.outcome(chosen[row]);
          CHECK(ours.frame == theirs.frame);
          CHECK(ours.report == theirs.report);
          if (autoreset == Autoreset::kSameStep && all.reports[chosen[row]].truncated) {
            CHECK(ours.final_frame == theirs.final_frame);
            CHECK(ours.final_report == theirs.final_report);
          }
        }
      }
      some.world.draw(some.frames.data(), chosen);
      for (std::size_t row = 0; row < chosen.size(); ++row)
        CHECK(some.outcome(row).frame == all.outcome(chosen[row]).frame);
    }
  }
}

TEST(a_world_of_any_format_draws_what_a_painter_draws) {
  for (const FrameFormat format : {FrameFormat{false, false, 96, false}, FrameFormat{true, false, 21, true}}) {
    WorldOptions options = small_frames(3, 2);
    options.format = format;
    TestWorld envs(options);
    envs.reset();
    for (int i = 0; i < 5; ++i) envs.step();
    Painter painter(format, plain_digits());
    std::vector<std::uint8_t> frame(format.bytes());
    for (std::size_t env = 0; env < 3; ++env) {
      painter.draw(envs.world.scene(env), frame.data());
      CHECK(frame == envs.outcome(env).frame);
    }
    const auto stepped = envs.frames;
    std::fill(envs.frames.begin(), envs.frames.end(), std::uint8_t{0});
    envs.world.draw(envs.frames.data());
    CHECK(envs.frames == stepped);
  }
}

TEST(an_ended_environment_is_stepped_on_with_kContinue) {
  WorldOptions options = short_episodes(3, Autoreset::kContinue);
  TestWorld ended(options);
  options.game.max_episode_frames.reset();
  TestWorld endless(options);
  ended.reset();
  endless.reset();
  for (std::int32_t frame = 1; frame <= 25; ++frame) {
    const std::vector<Action> actions = endless.actions();
    ended.step(actions);
    endless.step(actions);
    for (std::size_t env = 0; env < 3; ++env) {
      CHECK(!ended.world.needs_reset(env) && !ended.world.will_reset(env));
      CHECK(ended.reports[env].truncated == (frame >= 10) && ended.reports[env].frames == frame);
      CHECK(ended.reports[env].reward == endless.reports[env].reward && !ended.reports[env].was_reset);
      CHECK(ended.outcome(env).frame == endless.outcome(env).frame);
    }
  }
  ended.reset();
  CHECK(!ended.reports[0].truncated && ended.reports[0].frames == 0);
}

TEST(a_step_without_action_keeps_the_controls_and_rewards_later) {
  WorldOptions options = small_frames(2);
  options.action_repeat = 3;
  TestWorld envs(options);
  envs.reset();
  const Action drive{.steer = 0.2, .gas = 0.5, .brake = 0.1};
  envs.step({drive, drive});
  const auto controls = [&] {
    const CarBlock& block = envs.world.block_of(0);
    return std::array{block.steer[0], block.gas[0], block.brake[0]};
  };
  const auto before = controls();
  const std::int32_t visited = envs.world.episode(0).num_visited();
  for (int turn = 0; turn < 30; ++turn) {
    envs.step({{.is_given = false}, drive});
    CHECK(controls() == before);
    CHECK(envs.reports[0].reward == 0 && !envs.reports[0].terminated && envs.reports[0].repeats == 3);
    CHECK(envs.reports[1].reward != 0);
  }
  CHECK(envs.reports[0].frames == 93);
  const std::int32_t reached = envs.world.episode(0).num_visited();
  CHECK(reached > visited);
  envs.step({drive, drive});
  const double tile = 1000.0 / envs.world.episode(0).num_tiles();
  CHECK(near(envs.reports[0].reward, tile * (envs.world.episode(0).num_visited() - visited) - 0.3));
}

TEST(a_reset_changes_the_chosen_environments_only) {
  TestWorld envs(small_frames(10));
  for (std::size_t env = 0; env < 10; ++env) CHECK(envs.world.needs_reset(env));
  envs.reset();
  for (int i = 0; i < 4; ++i) envs.step();
  std::vector<World::ResetChoice> choices(10);
  for (std::size_t env = 0; env < 10; ++env) choices[env].resets = env == 3 || env == 9;
  choices[9].random = game_seed(77);
  std::vector<Outcome> before;
  for (std::size_t env = 0; env < 10; ++env) before.push_back(envs.outcome(env));
  const Pcg64::State continued = envs.world.episode(3).random().state();
  std::vector<CarBlock> blocks{envs.world.block_of(0), envs.world.block_of(8)};
  envs.reset(choices);
  for (std::size_t env = 0; env < 10; ++env) {
    CHECK(!envs.world.needs_reset(env));
    const bool is_reset = choices[env].resets;
    CHECK(envs.reports[env].was_reset == is_reset);
    CHECK((envs.outcome(env) == before[env]) == !is_reset);
    CHECK((lane_bits(envs.world.block_of(env), env % kLanes) == lane_bits(blocks[env / kLanes], env % kLanes)) ==
          !is_reset);
  }
  for (const auto& [env, state] : {std::pair{std::size_t{3}, continued}, std::pair{std::size_t{9}, game_seed(77)}}) {
    Pcg64 random(state);
    Track track;
    create_track(random, track);
    CHECK(envs.world.episode(env).track().nodes[9].x == track.nodes[9].x);
    CHECK(envs.reports[env].frames == 0 && envs.reports[env].score == 0 && envs.reports[env].repeats == 0);
    CHECK(near(envs.reports[env].tiles, 2.0 / track.num_tiles()));
  }
}

TEST(next_step_autoreset) {
  TestWorld envs(short_episodes(9, Autoreset::kNextStep));
  envs.reset();
  double score = 0;
  for (int i = 1; i <= 10; ++i) {
    envs.step();
    score += envs.reports[8].reward;
    CHECK(envs.reports[8].truncated == (i == 10) && !envs.reports[8].terminated && !envs.reports[8].was_reset);
    CHECK(envs.reports[8].frames == i && envs.reports[8].repeats == 1 && near(envs.reports[8].score, score));
  }
  const Track track = envs.world.episode(8).track();
  CHECK(!envs.world.needs_reset(8));
  envs.step();
  const Report& report = envs.reports[8];
  CHECK(report.was_reset && !report.truncated && report.reward == 0 && report.frames == 0 && report.repeats == 0);
  CHECK(report.score == 0 && report.lap_finished == -1);
  CHECK(track.nodes[5].x != envs.world.episode(8).track().nodes[5].x);
  envs.step();
  CHECK(!envs.reports[8].was_reset && envs.reports[8].frames == 1);
}

TEST(same_step_autoreset) {
  TestWorld envs(short_episodes(9, Autoreset::kSameStep));
  TestWorld waiting(short_episodes(9, Autoreset::kDisabled));
  TestWorld next(short_episodes(9, Autoreset::kNextStep));
  for (TestWorld* each : {&envs, &waiting, &next}) {
    each->reset();
    for (int i = 1; i <= 10; ++i) {
      for (const Report& report : each->final_reports) CHECK(same(report, Report{}));
      each->step();
    }
  }
  next.step();
  for (std::size_t env = 0; env < 9; ++env) {
    CHECK(same(envs.final_reports[env], waiting.reports[env]));
    CHECK(envs.outcome(env).final_frame == waiting.outcome(env).frame);
    const Report& report = envs.reports[env];
    CHECK(report.truncated && report.was_reset && report.frames == 0 && report.score == 0 && report.repeats == 1);
    CHECK(report.reward == waiting.reports[env].reward && report.tiles == next.reports[env].tiles);
    CHECK(envs.outcome(env).frame == next.outcome(env).frame);
    CHECK(!envs.world.needs_reset(env) && waiting.world.needs_reset(env));
  }
  envs.step();
  next.step();
  for (std::size_t env = 0; env < 9; ++env) CHECK(same(envs.reports[env], next.reports[env]));
}

TEST(without_autoreset_an_ended_game_needs_a_reset) {
  TestWorld envs(short_episodes(2, Autoreset::kDisabled));
  envs.reset();
  for (int i = 0; i < 9; ++i) {
    envs.step();
    CHECK(!envs.world.needs_reset(0));
  }
  envs.step();
  CHECK(envs.world.needs_reset(0) && envs.world.needs_reset(1));
  std::vector<World::ResetChoice> choices(2);
  choices[1].resets = false;
  envs.reset(choices);
  CHECK(!envs.world.needs_reset(0) && envs.world.needs_reset(1));
}

TEST(an_action_is_repeated_until_the_episode_ends) {
  WorldOptions options = short_episodes(1, Autoreset::kDisabled);
  options.action_repeat = 4;
  TestWorld held(options);
  options.action_repeat = 1;
  TestWorld single(options);
  held.reset();
  single.reset();
  for (const int frames : {4, 4, 2}) {
    const auto actions = held.actions();
    held.step(actions);
    double reward = 0;
    for (int i = 0; i < frames; ++i) {
      single.step(actions);
      reward += single.reports[0].reward;
    }
    CHECK(held.reports[0].repeats == frames && held.reports[0].reward == reward);
    CHECK(held.outcome(0).frame == single.outcome(0).frame);
    CHECK(lane_bits(held.world.block_of(0), 0) == lane_bits(single.world.block_of(0), 0));
  }
  CHECK(held.reports[0].truncated && single.reports[0].truncated);
}

TEST(skipped_frames_count_for_the_score_but_not_as_reward) {
  WorldOptions options = small_frames(2);
  options.skip_zoom = 50;
  TestWorld skipping(options);
  options.skip_zoom = 0;
  TestWorld playing(options);
  skipping.reset();
  playing.reset();
  for (int i = 0; i < 50; ++i) playing.step(std::vector<Action>(2));
  for (std::size_t env = 0; env < 2; ++env) {
    CHECK(skipping.outcome(env).frame == playing.outcome(env).frame);
    CHECK(near(skipping.reports[env].score, playing.reports[env].score) && skipping.reports[env].frames == 50);
    CHECK(skipping.reports[env].was_reset && skipping.reports[env].reward == 0);
  }
}

TEST(steering_right_turns_right) {
  TestWorld envs(small_frames(2));
  envs.reset();
  const float before = envs.world.block_of(0).angle[kHullBody][0];
  for (int i = 0; i < 40; ++i) envs.step({Action{1, 1, 0}, Action{-1, 1, 0}});
  CHECK(envs.world.block_of(0).angle[kHullBody][0] < before - 0.1F);
  CHECK(envs.world.block_of(0).steer[0] == -1 && envs.world.block_of(0).steer[1] == 1);
}

TEST(shaping_changes_rewards_but_not_the_score) {
  WorldOptions options = small_frames(1);
  options.action_repeat = 2;
  options.rules.stall_steps = 5;
  options.rules.stall_penalty = 3;
  TestWorld envs(options);
  envs.reset();
  double score = 0;
  for (int i = 1; i <= 5; ++i) {
    envs.step({Action{}});
    const Report& report = envs.reports[0];
    CHECK(report.terminated == (i == 5) && report.ended_by == (i == 5 ? EndedBy::kStall : EndedBy::kGame));
    score += report.reward + (i == 5 ? 3 : 0);
    CHECK(near(report.score, score));
  }
  envs.step({Action{}});
  CHECK(envs.reports[0].was_reset && envs.reports[0].ended_by == EndedBy::kGame);
}

TEST(set_rules_takes_effect_from_the_next_step_and_changes_nothing_else) {
  const auto with = [](std::optional<std::int32_t> stall_steps, double idle_penalty) {
    ShapingOptions rules;
    rules.stall_steps = stall_steps;
    rules.idle_penalty = idle_penalty;
    rules.missed_tile_penalty = idle_penalty;
    return rules;
  };
  WorldOptions options = small_frames(9);
  options.action_repeat = 2;
  options.rules = with(30, 0.25);
  TestWorld changed(options);
  TestWorld unchanged(options);
  options.rules = with(12, 2);
  TestWorld loaded(options);
  for (TestWorld* each : {&changed, &unchanged, &loaded}) each->reset();
  for (int i = 0; i < 8; ++i) {
    const auto actions = changed.actions();
    changed.step(actions);
    unchanged.step(actions);
  }
  changed.world.set_rules(options.rules);
  for (std::size_t env = 0; env < 9; ++env) {
    CHECK(changed.world.save(env) == unchanged.world.save(env));
    CHECK(changed.outcome(env) == unchanged.outcome(env));
    loaded.world.load(env, unchanged.world.save(env));
  }
  // Standing still from here on: the steps before the change count towards the new limit.
  int stalls = 0;
  for (int i = 0; i < 14; ++i) {
    for (TestWorld* each : {&changed, &unchanged, &loaded}) each->step(std::vector<Action>(9, {0, 0, 1}));
    for (std::size_t env = 0; env < 9; ++env) {
      CHECK(changed.outcome(env) == loaded.outcome(env) && changed.world.save(env) == loaded.world.save(env));
      CHECK(unchanged.reports[env].ended_by == EndedBy::kGame);
      stalls += changed.reports[env].ended_by == EndedBy::kStall ? 1 : 0;
    }
    if (i == 0)  // the images and the game's own scores do not depend on the rules
      for (std::size_t env = 0; env < 9; ++env)
        CHECK(changed.outcome(env).frame == unchanged.outcome(env).frame &&
              changed.reports[env].score == unchanged.reports[env].score);
  }
  CHECK(stalls >= 9);
  CHECK(changed.world.options().rules.stall_steps == 12);
}

TEST(a_wrong_frame_format_raises) {
  WorldOptions options = small_frames(1);
  options.format.frame_size = 97;
  CHECK_THROWS(std::invalid_argument, "97", world_of(options));
}
