#include "apexline/replay/prioritized_replay.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <thread>
#include <vector>

#include "check.hpp"
#include "random.hpp"

using namespace apexline;
using apexline::test::Random;

namespace {

constexpr std::int64_t kLanes = 3;
constexpr FrameGeometry kGeometry{2, 5, 4, 1};
constexpr int kFrameStack = 3;

ReplayConfig config_with(int num_threads) {
  return {.capacity = 300,
          .num_envs = kLanes,
          .geometry = kGeometry,
          .action_size = 2,
          .frame_stack = kFrameStack,
          .n_step = 3,
          .gamma = 0.99,
          .alpha = 0.6,
          .beta = 0.4,
          .epsilon = 0.01,
          .shift = 2,
          .seed = 5,
          .num_threads = num_threads};
}

void add_random_step(PrioritizedReplay& replay, Random& random) {
  std::vector<std::byte> frames(kLanes * kGeometry.bytes());
  for (auto& byte : frames) byte = static_cast<std::byte>(random.below(256));
  std::vector<float> actions(kLanes * 2, 0.25F);
  std::vector<float> rewards(kLanes);
  for (auto& reward : rewards) reward = static_cast<float>(random.below(100));
  bool terminated[kLanes];
  bool truncated[kLanes];
  bool mask[kLanes];
  for (std::int64_t lane = 0; lane < kLanes; ++lane) {
    terminated[lane] = random.chance(0.05);
    truncated[lane] = random.chance(0.05);
    mask[lane] = random.chance(0.9);
  }
  replay.add({frames.data(), actions.data(), rewards.data(), terminated, truncated, frames.data(), mask});
}

struct Batch {
  explicit Batch(std::int64_t size)
      : rows(static_cast<std::size_t>(size)),
        obs(rows * kFrameStack * kGeometry.bytes()),
        next_obs(obs.size()),
        action(rows * 2),
        reward(rows),
        discount(rows),
        weights(rows),
        indices(rows) {}

  BatchArrays arrays() {
    return {static_cast<std::int64_t>(rows), obs.data(),      action.data(),  reward.data(),
            discount.data(),                 next_obs.data(), weights.data(), indices.data()};
  }

  bool operator==(const Batch&) const = default;

  std::size_t rows;
  std::vector<std::byte> obs, next_obs;
  std::vector<float> action, reward, discount, weights;
  std::vector<std::int64_t> indices;
};

// Everything a run of adds, samples and updates gave out.
std::vector<Batch> history(int num_threads) {
  PrioritizedReplay replay(config_with(num_threads));
  Random random(1);
  std::vector<Batch> batches;
  for (int step = 0; step < 250; ++step) {
    add_random_step(replay, random);
    if (replay.num_eligible() == 0) continue;
    Batch batch(1 + random.below(40));
    replay.sample(0.5, batch.arrays());
    std::vector<double> errors(batch.rows);
    for (auto& error : errors) error = 5 * random.unit();
    replay.update_priorities(batch.indices, errors);
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::int64_t positive_priorities(const PrioritizedReplay& replay) {
  const auto priorities = replay.priorities();
  return std::ranges::count_if(priorities, [](double priority) { return priority > 0; });
}

}  // namespace

TEST(batches_do_not_depend_on_the_number_of_threads) {
  const auto alone = history(1);
  CHECK(alone.size() > 200);
  for (const int num_threads : {2, 5}) CHECK(history(num_threads) == alone);
}

TEST(overwritten_handles_are_stale) {
  PrioritizedReplay replay(config_with(1));
  Random random(1);
  for (int step = 0; step < 20; ++step) add_random_step(replay, random);
  Batch old(30);
  replay.sample(0.4, old.arrays());
  const std::vector<double> errors(old.rows, 7.0);
  CHECK(replay.update_priorities(old.indices, errors) == 0);
  for (int step = 0; step < 150; ++step) add_random_step(replay, random);

  const auto before = replay.priorities();
  CHECK(replay.update_priorities(old.indices, errors) == 30);
  CHECK(replay.priorities() == before);
}

TEST(clear_forgets_everything) {
  PrioritizedReplay replay(config_with(1));
  Random random(1);
  for (int step = 0; step < 50; ++step) add_random_step(replay, random);
  Batch batch(8);
  replay.sample(0.4, batch.arrays());
  const std::vector<double> errors(batch.rows, 7.0);
  replay.update_priorities(batch.indices, errors);
  CHECK(replay.max_priority() > 1);

  replay.clear();
  CHECK(replay.num_eligible() == 0);
  CHECK(replay.max_priority() == 1);
  CHECK(positive_priorities(replay) == 0);
  CHECK(replay.update_priorities(batch.indices, errors) == 8);
  CHECK_THROWS(std::invalid_argument, "no transition can be sampled yet", replay.sample(0.4, batch.arrays()));
}

TEST(bad_updates_name_the_place_and_change_nothing) {
  PrioritizedReplay replay(config_with(1));
  Random random(1);
  for (int step = 0; step < 50; ++step) add_random_step(replay, random);
  Batch batch(2);
  replay.sample(0.4, batch.arrays());
  const auto before = replay.priorities();
  const std::vector<double> errors{9, std::nan("")};

  CHECK_THROWS(std::invalid_argument, "td_errors[1] is nan", replay.update_priorities(batch.indices, errors));
  batch.indices[0] = -1;
  CHECK_THROWS(std::out_of_range, "indices[0] is -1", replay.update_priorities(batch.indices, errors));
  batch.indices[0] = 300 * 1000;
  CHECK_THROWS(std::out_of_range, "indices[0] is 300000", replay.update_priorities(batch.indices, errors));
  CHECK(replay.priorities() == before);
}

// Run under the thread sanitizer, this proves the locking.
TEST(concurrent_calls_keep_the_invariants) {
  PrioritizedReplay replay(config_with(2));
  Random random(1);
  for (int step = 0; step < 50; ++step) add_random_step(replay, random);

  const auto add = [&] {
    Random own(2);
    for (int step = 0; step < 300; ++step) add_random_step(replay, own);
  };
  const auto learn = [&] {
    Batch batch(16);
    const std::vector<double> errors(batch.rows, 0.5);
    for (int update = 0; update < 150; ++update) {
      replay.sample(0.4, batch.arrays());
      replay.update_priorities(batch.indices, errors);
    }
  };
  const auto watch = [&] {
    for (int look = 0; look < 150; ++look) {
      CHECK(replay.num_eligible() > 0);
      CHECK(replay.max_priority() >= 1);
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(add);
  threads.emplace_back(learn);
  threads.emplace_back(learn);
  threads.emplace_back(watch);
  for (auto& thread : threads) thread.join();

  CHECK(positive_priorities(replay) == replay.num_eligible());
}
