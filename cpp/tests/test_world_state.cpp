// Saving and loading the states of environments.
#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "worlds.hpp"

using namespace apexline::racing;
using namespace apexline::test;

namespace {

std::vector<std::uint8_t> state_after(std::uint64_t game, int num_steps) {
  TestWorld envs(small_frames(static_cast<std::int32_t>(game) + 1));
  envs.reset();
  for (int i = 0; i < num_steps; ++i) envs.step();
  return envs.world.save(game);
}

}  // namespace

TEST(a_saved_game_continues_bit_for_bit_anywhere) {
  WorldOptions options = small_frames(11, 2);
  options.game.domain_randomize = true;
  options.game.keeps_skid_marks = true;
  options.game.ends_at_start_line = true;
  options.game.max_episode_frames = 90;
  options.action_repeat = 2;
  options.rules.missed_tile_penalty = 0.5;
  options.rules.stall_steps = 15;
  TestWorld envs(options);
  TestWorld other(options);
  envs.reset();
  other.reset();
  for (int i = 0; i < 7; ++i) other.step(std::vector<Action>(11));
  for (int i = 0; i < 70; ++i) {
    const auto actions = envs.actions();
    if (i % 7 == 3) {  // in the middle of an episode, at its end, and before the step that begins the next
      for (std::size_t env = 0; env < 11; ++env) {
        const std::size_t place = (env + 4) % 11;
        other.world.load(place, envs.world.save(env));
        CHECK(other.world.save(place) == envs.world.save(env));
      }
      other.world.draw(other.frames.data());
      for (std::size_t env = 0; env < 11; ++env) CHECK(other.outcome((env + 4) % 11).frame == envs.outcome(env).frame);
    }
    std::vector<Action> shifted(11);
    for (std::size_t env = 0; env < 11; ++env) shifted[(env + 4) % 11] = actions[env];
    envs.step(actions);
    other.step(shifted);
    if (i < 3) continue;
    for (std::size_t env = 0; env < 11; ++env) {
      const std::size_t place = (env + 4) % 11;
      CHECK(envs.outcome(env) == other.outcome(place));
      if (i % 7 == 2) CHECK(envs.world.save(env) == other.world.save(place));
      const auto& marks = envs.world.episode(env).skid_marks().marks();
      CHECK(marks.size() == other.world.episode(place).skid_marks().marks().size());
    }
  }
}

TEST(a_game_can_be_saved_before_its_first_reset_and_after_its_end) {
  TestWorld envs(short_episodes(2, Autoreset::kDisabled));
  const auto fresh = envs.world.save(1);
  envs.reset();
  for (int i = 0; i < 10; ++i) envs.step();
  const auto ended = envs.world.save(0);
  envs.reset();
  envs.world.load(0, ended);
  CHECK(envs.world.needs_reset(0) && !envs.world.needs_reset(1));
  envs.world.load(0, fresh);
  CHECK(envs.world.needs_reset(0));
  envs.reset();
  TestWorld alone(short_episodes(2, Autoreset::kDisabled));
  alone.reset();
  CHECK(envs.outcome(0).frame == alone.outcome(1).frame);
}

TEST(equal_games_save_equal_bytes) {
  CHECK(state_after(1, 20) == state_after(1, 20));
  CHECK(state_after(1, 20) != state_after(1, 21));
}

TEST(a_corrupt_state_raises_and_changes_nothing) {
  const auto good = state_after(0, 5);
  TestWorld envs(small_frames(2));
  envs.reset();
  for (int i = 0; i < 3; ++i) envs.step();
  const std::array before{envs.world.save(0), envs.world.save(1)};
  Random random(1);
  const auto refused = [&](const std::vector<std::uint8_t>& bytes, const std::string& part) {
    CHECK_THROWS(std::invalid_argument, part, envs.world.load(1, bytes));
  };
  for (std::ptrdiff_t size = 0; size < 64; ++size) refused({good.begin(), good.begin() + size}, "");
  for (int i = 0; i < 60; ++i) {
    const std::int64_t size = random.below(static_cast<std::int64_t>(good.size()));
    refused({good.begin(), good.begin() + size}, "");
  }
  for (int i = 0; i < 300; ++i) {
    auto flipped = good;
    const auto place = static_cast<std::size_t>(i < 64 ? i : random.below(static_cast<std::int64_t>(good.size())));
    flipped[place] = static_cast<std::uint8_t>(flipped[place] ^ (1U << random.below(8)));
    refused(flipped, "state");
  }
  auto longer = good;
  longer.push_back(0);
  refused(longer, "corrupt");
  auto foreign = good;
  foreign[3] = static_cast<std::uint8_t>(foreign[3] + 1);
  refused(foreign, "not from this version");
  refused(std::vector<std::uint8_t>(1000, 0x41), "not from this version");
  CHECK(envs.world.save(0) == before[0] && envs.world.save(1) == before[1]);
  envs.world.load(1, good);
  CHECK(envs.world.save(1) == good && envs.world.save(0) == before[0]);
}

TEST(statistics_of_the_episode_are_saved_with_the_state) {
  TestWorld envs(small_frames(1));
  envs.reset();
  const EpisodeSoFar so_far{.total = -3.5, .steps = 41, .seconds = 5.9};
  const auto state = envs.world.save(0, so_far);
  CHECK(state != envs.world.save(0));
  CHECK(envs.world.load(0, state) == so_far);
  CHECK(envs.world.load(0, envs.world.save(0)) == EpisodeSoFar{});
}

TEST(a_state_is_read_before_anything_changes) {
  TestWorld envs(small_frames(2));
  envs.reset();
  const auto first = envs.world.save(0);
  for (int i = 0; i < 4; ++i) envs.step();
  const std::array before{envs.world.save(0), envs.world.save(1)};
  World::SavedGame saved = envs.world.read(1, first);
  CHECK(envs.world.save(0) == before[0] && envs.world.save(1) == before[1]);
  envs.world.restore(std::move(saved));
  CHECK(envs.world.save(0) == before[0] && envs.world.save(1) == first);
}

TEST(a_restored_episode_keeps_its_id_with_its_road) {
  TestWorld envs(small_frames(2));
  envs.reset();
  const std::uint64_t id = envs.world.episode(0).id();
  const auto state = envs.world.save(0);
  for (int i = 0; i < 4; ++i) envs.step();
  envs.world.load(0, state);
  CHECK(envs.world.episode(0).id() == id);
  envs.world.load(1, state);
  CHECK(envs.world.episode(1).id() > id);
  CHECK(envs.world.save(1) == state);
}
