#include "racing/render/frame_stacks.hpp"

#include <array>
#include <cstring>

namespace apexline::racing {
namespace {

// Writes a byte of each frame in turn. Compilers turn the loop into vector instructions.
template <std::size_t Depth>
void interleave_bytes(const std::uint8_t* const* frames, std::size_t frame_bytes, std::uint8_t* out) noexcept {
  std::array<const std::uint8_t*, Depth> from;
  for (std::size_t age = 0; age < Depth; ++age) from[age] = frames[age];
  for (std::size_t pixel = 0; pixel < frame_bytes; ++pixel)
    for (std::size_t age = 0; age < Depth; ++age) out[pixel * Depth + age] = from[age][pixel];
}

}  // namespace

FrameStacks::FrameStacks(std::size_t num_envs, std::size_t depth, std::size_t frame_bytes, std::size_t chunk_bytes,
                         const StackKernels& kernels)
    : kernels_(kernels),
      depth_(depth),
      frame_bytes_(frame_bytes),
      chunk_bytes_(chunk_bytes),
      rings_(num_envs * depth * frame_bytes),
      oldest_(num_envs) {}

std::uint8_t* FrameStacks::push(std::size_t env) noexcept {
  std::uint8_t* place = ring_of(env) + oldest_[env] * frame_bytes_;
  oldest_[env] = static_cast<std::uint32_t>((oldest_[env] + 1) % depth_);
  return place;
}

void FrameStacks::repeat_newest(std::size_t env) noexcept {
  std::uint8_t* ring = ring_of(env);
  const std::size_t newest = (oldest_[env] + depth_ - 1) % depth_;
  for (std::size_t place = 0; place < depth_; ++place)
    if (place != newest) std::memcpy(ring + place * frame_bytes_, ring + newest * frame_bytes_, frame_bytes_);
}

void FrameStacks::write(std::size_t env, std::uint8_t* out) const noexcept {
  if (chunk_bytes_ == frame_bytes_ || depth_ == 1) return write_whole_frames(env, out);
  const std::uint8_t* ring = ring_of(env);
  const auto frame = [&](std::size_t age) { return ring + (oldest_[env] + age) % depth_ * frame_bytes_; };
  if (depth_ <= StackKernels::kMaxFrames) {
    std::array<const std::uint8_t*, StackKernels::kMaxFrames> frames{};
    for (std::size_t age = 0; age < depth_; ++age) frames[age] = frame(age);
    if (chunk_bytes_ == 3) return kernels_.interleave(frames.data(), depth_, frame_bytes_ / 3, out);
    if (depth_ == 2) return interleave_bytes<2>(frames.data(), frame_bytes_, out);
    if (depth_ == 3) return interleave_bytes<3>(frames.data(), frame_bytes_, out);
    return interleave_bytes<4>(frames.data(), frame_bytes_, out);
  }
  for (std::size_t age = 0; age < depth_; ++age) {
    std::uint8_t* to = out + age * chunk_bytes_;
    for (std::size_t from = 0; from < frame_bytes_; from += chunk_bytes_, to += depth_ * chunk_bytes_)
      std::memcpy(to, frame(age) + from, chunk_bytes_);
  }
}

void FrameStacks::write_whole_frames(std::size_t env, std::uint8_t* out) const noexcept {
  const std::size_t newer = oldest_[env] * frame_bytes_;
  std::memcpy(out, ring_of(env) + newer, bytes() - newer);
  std::memcpy(out + bytes() - newer, ring_of(env), newer);
}

std::vector<std::uint8_t> FrameStacks::save(std::size_t env) const {
  std::vector<std::uint8_t> frames(bytes());
  write_whole_frames(env, frames.data());
  return frames;
}

void FrameStacks::load(std::size_t env, std::span<const std::uint8_t> frames) noexcept {
  std::memcpy(ring_of(env), frames.data(), bytes());
  oldest_[env] = 0;
}

}  // namespace apexline::racing
