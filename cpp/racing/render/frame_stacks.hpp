// The last frames of many environments, and the observations made of them.
//
// An observation has the bytes of the last `depth` frames, oldest first, concatenated along an axis of a frame: it
// repeats `chunk_bytes` of each frame in turn. With the first axis, a chunk is a whole frame; with the last, a pixel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "racing/render/kernels/stack_kernels.hpp"

namespace apexline::racing {

// Different threads may use different environments at the same time.
class FrameStacks {
 public:
  // Precondition: depth >= 1; chunk_bytes is frame_bytes, or 1 or 3 and a divisor of it.
  FrameStacks(std::size_t num_envs, std::size_t depth, std::size_t frame_bytes, std::size_t chunk_bytes,
              const StackKernels& kernels = stack_kernels(chosen_isa()));

  [[nodiscard]] std::size_t bytes() const noexcept { return depth_ * frame_bytes_; }

  // Drops the oldest frame; the caller writes the newest to the memory returned.
  [[nodiscard]] std::uint8_t* push(std::size_t env) noexcept;
  // Replaces all frames by the newest, as at the start of an episode.
  void repeat_newest(std::size_t env) noexcept;
  // Writes the observation, bytes() bytes.
  void write(std::size_t env, std::uint8_t* out) const noexcept;

  // The frames, oldest first.
  [[nodiscard]] std::vector<std::uint8_t> save(std::size_t env) const;
  // Precondition: bytes() bytes.
  void load(std::size_t env, std::span<const std::uint8_t> frames) noexcept;

 private:
  [[nodiscard]] const std::uint8_t* ring_of(std::size_t env) const noexcept { return rings_.data() + env * bytes(); }
  [[nodiscard]] std::uint8_t* ring_of(std::size_t env) noexcept { return rings_.data() + env * bytes(); }
  void write_whole_frames(std::size_t env, std::uint8_t* out) const noexcept;

  const StackKernels& kernels_;
  std::size_t depth_;
  std::size_t frame_bytes_;
  std::size_t chunk_bytes_;
  std::vector<std::uint8_t> rings_;  // depth_ frames for each environment
  std::vector<std::uint32_t> oldest_;  // place of the oldest frame in each ring
};

}  // namespace apexline::racing
