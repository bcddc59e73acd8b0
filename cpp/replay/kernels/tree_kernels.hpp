// The inner loops of SumTree, one variant per instruction set. The order of every sum is fixed, so all variants are
// bit-identical.
//
// Inclusive prefix sums of a node's children c0 .. c7 are computed in three rounds of adding the value 1, 2 and 4
// places before (Hillis & Steele, "Data parallel algorithms", 1986). The last of them is the node's sum,
// ((c0+c1)+(c2+c3)) + ((c4+c5)+(c6+c7)).
#pragma once

#include <cstddef>
#include <cstdint>

#include "support/isa_dispatch.hpp"

namespace apexline {

inline constexpr std::size_t kFanOut = 8;

struct TreeKernels {
  // Descends `count` masses from `levels[depth - 1]`, the root's children, to `levels[0]`, the leaves. `places` starts
  // as zeros and ends as leaves. At each node the mass goes to the first positive child whose inclusive prefix sum is
  // greater, or, if rounding left more mass than the node has, to the last positive child.
  void (*descend)(const double* const* levels, std::size_t depth, std::int64_t* places, double* masses,
                  std::size_t count) noexcept;
  // Replaces each of `count` places of children by that of its parent, whose sum is written to `parents`. Equal
  // neighbours are merged; returns the number of places left.
  std::size_t (*sum)(const double* children, double* parents, std::int64_t* places, std::size_t count) noexcept;

  static const TreeKernels kPortable, kAvx2, kAvx512;
};

// Precondition: supported(isa).
[[nodiscard]] inline const TreeKernels& tree_kernels(Isa isa) noexcept { return dispatch<TreeKernels>(isa); }

}  // namespace apexline
