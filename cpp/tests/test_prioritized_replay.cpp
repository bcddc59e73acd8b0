#include "apexline/replay/prioritized_replay.hpp"

#include <algorithm>
#include <memory>
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
