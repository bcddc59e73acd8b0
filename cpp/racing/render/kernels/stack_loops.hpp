// The loop that all variants share, with internal linkage (see isa_dispatch.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "racing/render/kernels/stack_kernels.hpp"

namespace apexline::racing {
namespace {

// Interleaves pixels from number `pixel` on. A copy of four bytes is one instruction, of three two; the next copy
// overwrites the fourth.
template <std::size_t Count>
void interleave_from(std::size_t pixel, const std::uint8_t* const* frames, std::size_t pixels,
                     std::uint8_t* out) noexcept {
  const std::uint8_t* from[Count];
  for (std::size_t i = 0; i < Count; ++i) from[i] = frames[i];
  out += pixel * Count * 3;
  for (; pixel + 1 < pixels; ++pixel)
    for (std::size_t i = 0; i < Count; ++i, out += 3) std::memcpy(out, from[i] + pixel * 3, 4);
  for (; pixel < pixels; ++pixel)
    for (std::size_t i = 0; i < Count; ++i, out += 3) std::memcpy(out, from[i] + pixel * 3, 3);
}

}  // namespace
}  // namespace apexline::racing
