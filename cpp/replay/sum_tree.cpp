#include "replay/sum_tree.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "support/errors.hpp"
#include "support/philox.hpp"

namespace apexline {
namespace {

constexpr std::int64_t kMaxCapacity = std::int64_t{1} << 40;

constexpr std::size_t whole_nodes(std::size_t children) { return (children + kFanOut - 1) / kFanOut; }

std::vector<std::size_t> level_offsets(std::int64_t capacity) {
  if (capacity < 1 || capacity > kMaxCapacity)
    throw std::invalid_argument(text("capacity is ", capacity, "; expected from 1 to 2^40"));
  std::vector<std::size_t> offsets{0};
  for (auto nodes = whole_nodes(static_cast<std::size_t>(capacity)); nodes > 1; nodes = whole_nodes(nodes))
    offsets.push_back(offsets.back() + nodes * kFanOut);
  return offsets;
}

const TreeKernels* kernels_for(Isa isa) {
  if (!supported(isa))
    throw std::invalid_argument(text("isa is ", name(isa), "; expected one that this build and processor support"));
  return &tree_kernels(isa);
}

}  // namespace

SumTree::SumTree(std::int64_t capacity, std::uint64_t seed, Isa isa)
    : capacity_(capacity),
      seed_(seed),
      kernels_(kernels_for(isa)),
      offsets_(level_offsets(capacity)),
      size_(offsets_.back() + kFanOut),
      nodes_(size_, sizeof(double)) {
  for (std::size_t depth = 0; depth < offsets_.size(); ++depth) levels_.push_back(level(depth));
}

std::size_t SumTree::bytes_for(std::int64_t capacity) {
  return (level_offsets(capacity).back() + kFanOut) * sizeof(double);
}

double SumTree::total() const noexcept {
  double sum = 0;
  std::int64_t root = 0;
  kernels_->sum(levels_.back(), &sum, &root, 1);
  return sum;
}

std::span<const double> SumTree::leaves() const noexcept { return {level(0), static_cast<std::size_t>(capacity_)}; }

double SumTree::max() const {
  const double largest = *std::ranges::max_element(leaves());
  if (largest == 0) throw std::invalid_argument("all priorities are zero; expected a positive one");
  return largest;
}

double SumTree::min() const {
  double smallest = HUGE_VAL;
  for (const double leaf : leaves())
    if (leaf > 0 && leaf < smallest) smallest = leaf;
  if (smallest == HUGE_VAL) throw std::invalid_argument("all priorities are zero; expected a positive one");
  return smallest;
}

void SumTree::check_indices(std::span<const std::int64_t> indices) const {
  // A term is negative if and only if the index is out of range. Without branches the loop is vectorized.
  // Subtracted as unsigned numbers, for the difference to the lowest index overflows.
  const auto signs = [last = static_cast<std::uint64_t>(capacity_ - 1)](std::int64_t index) {
    return index | static_cast<std::int64_t>(last - static_cast<std::uint64_t>(index));
  };
  std::int64_t all = 0;
  for (const std::int64_t index : indices) all |= signs(index);
  if (all >= 0) [[likely]]
    return;
  const auto first = std::ranges::find_if(indices, [&](std::int64_t index) { return signs(index) < 0; });
  throw std::out_of_range(
      text("indices[", first - indices.begin(), "] is ", *first, "; expected from 0 to ", capacity_ - 1));
}

void SumTree::check_priorities(std::span<const double> priorities) {
  const auto usable = [](double priority) { return priority >= 0 && priority <= kMaxPriority; };
  bool all = true;
  for (const double priority : priorities) all &= usable(priority);
  if (all) [[likely]]
    return;
  const auto first = std::ranges::find_if_not(priorities, usable);
  throw std::invalid_argument(
      text("priorities[", first - priorities.begin(), "] is ", *first, "; expected from 0 to ", kMaxPriority));
}

void SumTree::get(std::span<const std::int64_t> indices, std::span<double> out) const {
  check_indices(indices);
  const double* leaf = level(0);
  std::ranges::transform(indices, out.begin(), [leaf](std::int64_t index) { return leaf[index]; });
}

void SumTree::set(std::span<const std::int64_t> indices, std::span<const double> priorities) {
  check_indices(indices);
  check_priorities(priorities);
  const double* parents = levels_.size() > 1 ? levels_[1] : levels_[0];
  double* leaves = level(0);
  for (const std::int64_t index : indices) {
    __builtin_prefetch(leaves + index, 1);
    __builtin_prefetch(parents + static_cast<std::size_t>(index) / kFanOut, 1);
  }
  for (std::size_t i = 0; i < indices.size(); ++i) leaves[indices[i]] = priorities[i] + 0.0;  // turns -0.0 into 0.0
  places_.assign(indices.begin(), indices.end());
  sum_upwards();
}

std::size_t SumTree::sums_in(std::size_t depth) const noexcept {
  return (offsets_[depth] - offsets_[depth - 1]) / kFanOut;
}

// Sums the parents of `places_`, level by level. On low levels, which have more nodes than there are places, two places
// rarely share a parent. From the first level with fewer nodes on, the places are sorted, so that each parent is summed
// once.
void SumTree::sum_upwards() {
  bool sorted = false;
  for (std::size_t depth = 1; depth < levels_.size(); ++depth) {
    places_.resize(kernels_->sum(levels_[depth - 1], level(depth), places_.data(), places_.size()));
    if (!sorted && sums_in(depth) <= places_.size()) {
      sort_places(sums_in(depth));
      sorted = true;
    }
  }
}

// Sorts `places_`, all below `bound`, and removes duplicates: a counting sort with one bit per place.
void SumTree::sort_places(std::size_t bound) {
  constexpr std::size_t kBits = 64;
  marks_.assign((bound + kBits - 1) / kBits, 0);
  for (const std::int64_t place : places_) {
    const auto at = static_cast<std::size_t>(place);
    marks_[at / kBits] |= std::uint64_t{1} << at % kBits;
  }
  places_.clear();
  for (std::size_t word = 0; word < marks_.size(); ++word)
    for (std::uint64_t left = marks_[word]; left != 0; left &= left - 1)
      places_.push_back(static_cast<std::int64_t>(word * kBits) + std::countr_zero(left));
}

bool SumTree::consistent() const noexcept {
  for (std::size_t depth = 1; depth < levels_.size(); ++depth) {
    for (std::size_t node = 0; node < sums_in(depth); ++node) {
      double sum = 0;
      std::int64_t here = 0;
      kernels_->sum(levels_[depth - 1] + node * kFanOut, &sum, &here, 1);
      if (sum != levels_[depth][node]) return false;
    }
  }
  return true;
}

void SumTree::clear() noexcept { std::fill_n(level(0), size_, 0.0); }

std::int64_t SumTree::find(double mass) const {
  if (!(mass >= 0 && mass < total()))
    throw std::invalid_argument(text("mass is ", mass, "; expected >= 0 and less than the total, ", total()));
  std::int64_t place = 0;
  kernels_->descend(levels_.data(), levels_.size(), &place, &mass, 1);
  return place;
}

void SumTree::sample(std::span<std::int64_t> out) {
  const double sum = total();
  if (!(sum > 0)) throw std::invalid_argument("all priorities are zero; expected a positive one");

  const double stratum = sum / static_cast<double>(out.size());
  words_.resize(out.size());
  masses_.resize(out.size());
  philox_stream({seed_, 0}, draws_, words_);
  for (std::size_t i = 0; i < out.size(); ++i)
    masses_[i] = (static_cast<double>(i) + unit_interval(words_[i])) * stratum;
  draws_ += out.size();

  places_.assign(out.size(), 0);
  kernels_->descend(levels_.data(), levels_.size(), places_.data(), masses_.data(), out.size());
  std::ranges::copy(places_, out.begin());
}

}  // namespace apexline
