// Sum tree: samples leaves in proportion to their priorities.
//
// Source: Schaul, Quan, Antonoglou, Silver, "Prioritized Experience Replay", ICLR 2016, appendix B.2.1. A node has
// eight children, one cache line of float64, so a million leaves are seven levels deep.
//
// Guarantees
//  - A parent is always recomputed from its children, ((c0+c1)+(c2+c3)) + ((c4+c5)+(c6+c7)), never adjusted by a
//    difference. After any history the tree is bit-identical to one built from its leaves, and to that of every `Isa`.
//  - `find` and `sample` never return a leaf of priority zero, regardless of rounding.
//  - A call that throws has changed nothing.
//
// Complexity: set and sample of n leaves are O(n log8 capacity); a parent of several set leaves is summed once if the
// level below has at most n nodes. min and max read every leaf; total is O(1).
// Numerical limits: priorities are finite, >= 0 and at most `kMaxPriority`, so that no sum overflows.
// Thread-safety: none; concurrent const calls are safe, all other calls need the caller's lock.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "replay/kernels/tree_kernels.hpp"
#include "replay/storage.hpp"

namespace apexline {

inline constexpr double kMaxPriority = 1e290;

class SumTree {
 public:
  // Throws std::invalid_argument unless 1 <= capacity <= 2^40 and `isa` is supported.
  explicit SumTree(std::int64_t capacity, std::uint64_t seed = 0, Isa isa = chosen_isa());

  [[nodiscard]] std::int64_t capacity() const noexcept { return capacity_; }
  // Bytes of the nodes of a tree of this capacity. Throws as the constructor.
  [[nodiscard]] static std::size_t bytes_for(std::int64_t capacity);
  [[nodiscard]] std::size_t bytes() const noexcept { return size_ * sizeof(double); }
  [[nodiscard]] double total() const noexcept;
  // Over the positive leaves. Throw std::invalid_argument if there is none.
  [[nodiscard]] double min() const;
  [[nodiscard]] double max() const;

  // In `get` and `set` no other thread may write to the arguments: they are checked before they are used.
  //
  // Priorities of `indices` into `out` (same length). Throws std::out_of_range.
  void get(std::span<const std::int64_t> indices, std::span<double> out) const;
  // leaf[indices[i]] = priorities[i], in order, so the last of equal indices counts. Throws std::out_of_range or
  // std::invalid_argument that names the first invalid element.
  void set(std::span<const std::int64_t> indices, std::span<const double> priorities);
  [[nodiscard]] std::span<const double> leaves() const noexcept;
  void clear() noexcept;
  // Whether every parent is the sum of its children; reads the whole tree.
  [[nodiscard]] bool consistent() const noexcept;

  // The first leaf whose cumulative sum is greater than `mass`. Throws std::invalid_argument unless
  // 0 <= mass < total().
  [[nodiscard]] std::int64_t find(double mass) const;
  // Stratified sampling with replacement: out[i] is sampled from the i-th of out.size() equal parts of the total. Throws
  // std::invalid_argument if all priorities are zero. Only writes to `out`, so its memory may be shared with other threads.
  void sample(std::span<std::int64_t> out);

  // State of the random stream: `seed` and the number of draws made by `sample`.
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] std::uint64_t draws() const noexcept { return draws_; }
  void set_draws(std::uint64_t draws) noexcept { draws_ = draws; }

 private:
  [[nodiscard]] double* level(std::size_t depth) noexcept { return nodes_.as<double>() + offsets_[depth]; }
  [[nodiscard]] const double* level(std::size_t depth) const noexcept { return nodes_.as<double>() + offsets_[depth]; }
  // Nodes summed on level `depth`, which is above the leaves.
  [[nodiscard]] std::size_t sums_in(std::size_t depth) const noexcept;
  void check_indices(std::span<const std::int64_t> indices) const;
  static void check_priorities(std::span<const double> priorities);
  void sum_upwards();
  void sort_places(std::size_t bound);

  std::int64_t capacity_;
  std::uint64_t seed_;
  const TreeKernels* kernels_;
  std::uint64_t draws_ = 0;
  std::vector<std::size_t> offsets_;  // first double of each level, leaves first
  std::size_t size_;  // doubles in all levels
  ZeroedBytes nodes_;
  std::vector<const double*> levels_;  // leaves first
  // Members, so that calls do not allocate.
  std::vector<std::uint64_t> words_;
  std::vector<double> masses_;
  std::vector<std::int64_t> places_;
  std::vector<std::uint64_t> marks_;
};

}  // namespace apexline
