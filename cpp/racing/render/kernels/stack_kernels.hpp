// Interleaving of the pixels of several frames, one variant per instruction set; all variants are bit-identical.
#pragma once

#include <cstddef>
#include <cstdint>

#include "support/isa_dispatch.hpp"

namespace apexline::racing {

struct StackKernels {
  static constexpr std::size_t kMaxFrames = 4;

  // Writes a pixel of three bytes from each of `count` frames in turn, for all `pixels`. Precondition: count is 2 to
  // kMaxFrames.
  void (*interleave)(const std::uint8_t* const* frames, std::size_t count, std::size_t pixels,
                     std::uint8_t* out) noexcept;

  static const StackKernels kPortable, kAvx2, kAvx512;
};

// Precondition: supported(isa).
[[nodiscard]] inline const StackKernels& stack_kernels(Isa isa) noexcept { return dispatch<StackKernels>(isa); }

}  // namespace apexline::racing
