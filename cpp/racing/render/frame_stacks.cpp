#include "racing/render/frame_stacks.hpp"

#include <array>
#include <cstring>

namespace apexline::racing {
namespace {

// Writes `Chunk` bytes of each frame in turn, from the one at place `oldest` of the ring on.
template <std::size_t Chunk, std::size_t Depth>
void interleave(const std::uint8_t* ring, std::size_t oldest, std::size_t frame_bytes, std::uint8_t* out) noexcept {
  std::array<const std::uint8_t*, Depth> frames;
  for (std::size_t age = 0; age < Depth; ++age) frames[age] = ring + (oldest + age) % Depth * frame_bytes;
  if constexpr (Chunk == 1) {
    // Compilers turn this loop into vector instructions.
    for (std::size_t pixel = 0; pixel < frame_bytes; ++pixel)
      for (std::size_t age = 0; age < Depth; ++age) out[pixel * Depth + age] = frames[age][pixel];
  } else {
    // A copy of four bytes is one instruction, of three two; the next copy overwrites the fourth.
    static_assert(Chunk == 3);
    const std::size_t last = frame_bytes - Chunk;
    for (std::size_t place = 0; place < last; place += Chunk)
      for (std::size_t age = 0; age < Depth; ++age, out += Chunk) std::memcpy(out, frames[age] + place, 4);
    for (std::size_t age = 0; age < Depth; ++age, out += Chunk) std::memcpy(out, frames[age] + last, Chunk);
  }
}

using Interleave = void (*)(const std::uint8_t*, std::size_t, std::size_t, std::uint8_t*) noexcept;

// Compiled for the usual depths, else null.
template <std::size_t Chunk>
Interleave interleave_of(std::size_t depth) noexcept {
  if (depth == 2) return &interleave<Chunk, 2>;
  if (depth == 3) return &interleave<Chunk, 3>;
  if (depth == 4) return &interleave<Chunk, 4>;
  return nullptr;
}

}  // namespace

FrameStacks::FrameStacks(std::size_t num_envs, std::size_t depth, std::size_t frame_bytes, std::size_t chunk_bytes)
    : depth_(depth),
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
  if (chunk_bytes_ == frame_bytes_) return write_whole_frames(env, out);
  const std::uint8_t* ring = ring_of(env);
  if (const Interleave usual = chunk_bytes_ == 3 ? interleave_of<3>(depth_) : interleave_of<1>(depth_))
    return usual(ring, oldest_[env], frame_bytes_, out);
  for (std::size_t age = 0; age < depth_; ++age) {
    const std::uint8_t* frame = ring + (oldest_[env] + age) % depth_ * frame_bytes_;
    std::uint8_t* to = out + age * chunk_bytes_;
    for (std::size_t from = 0; from < frame_bytes_; from += chunk_bytes_, to += depth_ * chunk_bytes_)
      std::memcpy(to, frame + from, chunk_bytes_);
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
