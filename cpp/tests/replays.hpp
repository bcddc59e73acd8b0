// Replays filled with recognizable steps, and batches that can be compared.
//
// Every byte of a frame contains `mark(env, position)` in its upper bits, independent of the shift, and random lower bits,
// which distinguish shifts. Field 1 is the position.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "random.hpp"
#include "replay/prioritized_replay.hpp"

namespace apexline::test {

inline constexpr std::size_t kActionBytes = 2 * sizeof(float);

inline constexpr int kShift = 2;

inline ReplayConfig config_with(int num_threads) {
  return {.capacity = 300,
          .num_envs = 3,
          .geometry = {2, 5, 4, 1},
          .field_bytes = {kActionBytes, sizeof(std::int64_t), 1},
          .action_number = Number::kFloat32,
          .frame_stack = 3,
          .n_step = 3,
          .gamma = 0.99,
          .alpha = 0.6,
          .beta = 0.4,
          .epsilon = 0.01,
          .shift = kShift,
          .seed = 5,
          .num_threads = num_threads};
}

// Batches of 12 transitions or more are large enough to be streamed.
inline ReplayConfig wide_config_with(int num_threads) {
  ReplayConfig config = config_with(num_threads);
  config.geometry = {3, 120, 166, 1};
  config.shift = 4;
  return config;
}

inline std::byte mark(std::int64_t env, std::int64_t position) {
  return static_cast<std::byte>((env * 11 + position * 3 + position / 32) % 32 * 8);
}

inline std::vector<std::byte> frame_of(const ReplayConfig& config, std::int64_t env, std::int64_t position) {
  std::vector<std::byte> frame = Random(1).bytes(config.geometry.bytes());
  for (std::byte& byte : frame) byte = (byte & std::byte{7}) | mark(env, position);
  return frame;
}

// Whether all bytes of a frame belong to one step; otherwise the frame was torn.
inline bool of_one_step(const std::byte* frame, std::size_t bytes) {
  for (std::size_t i = 1; i < bytes; ++i)
    if (((frame[i] ^ frame[0]) & std::byte{0xF8}) != std::byte{0}) return false;
  return true;
}

// Random steps of all environments, determined by the seed.
class Steps {
 public:
  Steps(const ReplayConfig& config, std::uint64_t seed)
      : config_(config),
        num_envs_(static_cast<std::size_t>(config.num_envs)),
        frame_bytes_(config.geometry.bytes()),
        heads_(num_envs_),
        frames_(num_envs_ * frame_bytes_),
        final_frames_(frames_.size()),
        actions_(num_envs_ * kActionBytes),
        positions_(num_envs_ * sizeof(std::int64_t)),
        bits_(num_envs_),
        rewards_(num_envs_),
        terminated_(std::make_unique<bool[]>(num_envs_)),
        truncated_(std::make_unique<bool[]>(num_envs_)),
        mask_(std::make_unique<bool[]>(num_envs_)),
        marked_(32),
        random_(seed) {}

  // Valid until the next call.
  StepBatch next(double end_chance = 0.05) {
    for (std::size_t env = 0; env < num_envs_; ++env) {
      terminated_[env] = random_.chance(end_chance);
      truncated_[env] = random_.chance(end_chance);
      mask_[env] = random_.chance(0.9);
      rewards_[env] = static_cast<float>(random_.below(100));
      bits_[env] = static_cast<std::byte>(random_.below(256));
      const float action[] = {static_cast<float>(random_.unit()), 0.25F};
      std::memcpy(&actions_[env * kActionBytes], action, kActionBytes);
      const std::int64_t position = heads_[env];
      std::memcpy(&positions_[env * sizeof(position)], &position, sizeof(position));
      const auto number = static_cast<std::int64_t>(env);
      draw_frame(&frames_[env * frame_bytes_], number, position);
      draw_frame(&final_frames_[env * frame_bytes_], number, position + 1);
      if (mask_[env]) heads_[env] += terminated_[env] || truncated_[env] ? 2 : 1;
    }
    return {frames_.data(),   {actions_.data(), positions_.data(), bits_.data()},
            rewards_.data(),  terminated_.get(),
            truncated_.get(), final_frames_.data(),
            mask_.get()};
  }

 private:
  void draw_frame(std::byte* frame, std::int64_t env, std::int64_t position) {
    std::vector<std::byte>& drawn = marked_[std::to_integer<std::size_t>(mark(env, position)) / 8];
    if (drawn.empty()) drawn = frame_of(config_, env, position);
    std::memcpy(frame, drawn.data(), frame_bytes_);
  }

  ReplayConfig config_;
  std::size_t num_envs_, frame_bytes_;
  std::vector<std::int64_t> heads_;
  std::vector<std::byte> frames_, final_frames_, actions_, positions_, bits_;
  std::vector<float> rewards_;
  std::unique_ptr<bool[]> terminated_, truncated_, mask_;
  std::vector<std::vector<std::byte>> marked_;  // frames by mark
  Random random_;
};

struct Batch {
  Batch(const ReplayConfig& config, std::int64_t size)
      : rows(static_cast<std::size_t>(size)),
        stack_bytes(config.geometry.bytes() * static_cast<std::size_t>(config.frame_stack)),
        obs(rows * stack_bytes),
        next_obs(obs.size()),
        reward(rows),
        discount(rows),
        weights(rows),
        indices(rows) {
    for (const std::size_t bytes : config.field_bytes) fields.emplace_back(rows * bytes);
  }

  BatchArrays arrays() {
    BatchArrays out{static_cast<std::int64_t>(rows),
                    obs.data(),
                    {},
                    reward.data(),
                    discount.data(),
                    next_obs.data(),
                    weights.data(),
                    indices.data()};
    for (auto& field : fields) out.fields.push_back(field.data());
    return out;
  }

  bool operator==(const Batch&) const = default;

  std::size_t rows, stack_bytes;
  std::vector<std::byte> obs, next_obs;
  std::vector<std::vector<std::byte>> fields;
  std::vector<float> reward, discount, weights;
  std::vector<std::int64_t> indices;
};

inline Batch sampled(PrioritizedReplay& replay, std::int64_t size, double beta, int shift) {
  Batch batch(replay.config(), size);
  const BatchArrays out = batch.arrays();
  replay.gather(replay.draw(beta, shift, out), out);
  return batch;
}

inline Batch sampled(PrioritizedReplay& replay, std::int64_t size, double beta = 0.5) {
  return sampled(replay, size, beta, replay.config().shift);
}

inline std::vector<double> random_errors(Random& random, std::size_t count) {
  std::vector<double> errors(count);
  for (double& error : errors) error = random.chance(0.1) ? 1e6 * random.unit() : 5 * random.unit();
  return errors;
}

// All outputs of a run of adds, draws and updates.
inline std::vector<Batch> history(PrioritizedReplay& replay, Steps& steps, Random& random, int count,
                                  std::int64_t largest_batch) {
  std::vector<Batch> batches;
  for (int step = 0; step < count; ++step) {
    replay.add(steps.next());
    if (replay.num_eligible() == 0) continue;
    Batch batch = sampled(replay, 1 + random.below(largest_batch));
    replay.update_priorities(batch.indices, random_errors(random, batch.rows));
    batches.push_back(std::move(batch));
  }
  return batches;
}

inline std::vector<Batch> history(const ReplayConfig& config, int count, std::int64_t largest_batch) {
  PrioritizedReplay replay(config);
  Steps steps(config, 1);
  Random random(2);
  return history(replay, steps, random, count, largest_batch);
}

inline void fill(PrioritizedReplay& replay, Steps& steps, int count) {
  for (int step = 0; step < count; ++step) replay.add(steps.next());
}

inline std::int64_t positive_priorities(const PrioritizedReplay& replay) {
  const auto priorities = replay.priorities();
  return std::ranges::count_if(priorities, [](double priority) { return priority > 0; });
}

template <class T>
std::vector<T> values_of(const std::vector<std::byte>& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// Whether each row's frames and fields belong to the step of its handle.
inline bool intact(const ReplayConfig& config, const Batch& batch) {
  const std::int64_t slots = config.capacity / config.num_envs;
  const std::size_t frame_bytes = config.geometry.bytes();
  const auto positions = values_of<std::int64_t>(batch.fields[1]);
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const std::int64_t leaf = batch.indices[row] % config.capacity;
    const std::int64_t env = leaf / slots;
    const std::int64_t position = batch.indices[row] / config.capacity * slots + leaf % slots;
    if (positions[row] != position) return false;
    const std::byte* stack = &batch.obs[row * batch.stack_bytes];
    const std::byte* next = &batch.next_obs[row * batch.stack_bytes];
    const std::byte newest = mark(env, position);
    if ((stack[batch.stack_bytes - 1] & std::byte{0xF8}) != newest) return false;
    for (std::size_t frame = 0; frame < batch.stack_bytes; frame += frame_bytes)
      if (!of_one_step(stack + frame, frame_bytes) || !of_one_step(next + frame, frame_bytes)) return false;
  }
  return true;
}

// A ring buffer of 40 slots with equal priorities; a draw of twice the number of starts contains each of them.
struct FullRing {
  FullRing() : config(config_with(1)) {
    config.num_envs = 1;
    config.capacity = 40;
    config.n_step = 1;
    replay = std::make_unique<PrioritizedReplay>(config);
  }
  void add(bool ends = false) {
    const auto position = replay->state().rings[0].head;
    const std::vector<std::byte> frame = frame_of(config, 0, position);
    const std::vector<std::byte> action(kActionBytes);
    const std::vector<std::byte> bit(1);
    const float reward = 1;
    const bool no = false;
    replay->add({frame.data(),
                 {action.data(), reinterpret_cast<const std::byte*>(&position), bit.data()},
                 &reward,
                 &ends,
                 &no,
                 frame.data(),
                 nullptr});
  }

  ReplayConfig config;
  std::unique_ptr<PrioritizedReplay> replay;
};

}  // namespace apexline::test
