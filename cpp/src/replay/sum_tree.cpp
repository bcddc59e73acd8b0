#include "apexline/replay/sum_tree.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "apexline/support/philox.hpp"
#include "apexline/support/text.hpp"

namespace apexline {
namespace {

constexpr std::size_t kFanOut = 8;
constexpr std::int64_t kMaxCapacity = std::int64_t{1} << 40;

constexpr std::size_t whole_nodes(std::size_t children) { return (children + kFanOut - 1) / kFanOut; }

std::vector<std::size_t> level_offsets(std::int64_t capacity) {
  if (capacity < 1 || capacity > kMaxCapacity)
    throw std::invalid_argument(text("capacity is ", capacity, "; it must be from 1 to 2^40"));
  std::vector<std::size_t> offsets{0};
  for (auto nodes = whole_nodes(static_cast<std::size_t>(capacity)); nodes > 1; nodes = whole_nodes(nodes))
    offsets.push_back(offsets.back() + nodes * kFanOut);
  return offsets;
}

double node_sum(const double* c) noexcept {
  return ((c[0] + c[1]) + (c[2] + c[3])) + ((c[4] + c[5]) + (c[6] + c[7]));
}

// The child of one node in which `mass` falls; `mass` becomes what is left of it there. A sum rounded up in the
// parent can leave more mass than the children hold: the last positive child takes it.
std::size_t descend(const double* children, double& mass) noexcept {
  double below = 0;
  std::size_t last = 0;
  double below_last = 0;
  for (std::size_t child = 0; child < kFanOut; ++child) {
    const double up_to = below + children[child];
    if (children[child] > 0) {
      last = child;
      below_last = below;
      if (mass < up_to) break;
    }
    below = up_to;
  }
  mass -= below_last;
  return last;
}

}  // namespace

SumTree::SumTree(std::int64_t capacity, std::uint64_t seed)
    : capacity_(capacity),
      seed_(seed),
      offsets_(level_offsets(capacity)),
      size_(offsets_.back() + kFanOut),
      nodes_(size_, sizeof(double)) {}

double SumTree::total() const noexcept { return node_sum(level(offsets_.size() - 1)); }

std::span<const double> SumTree::leaves() const noexcept {
  return {level(0), static_cast<std::size_t>(capacity_)};
}

double SumTree::max() const {
  const double largest = *std::ranges::max_element(leaves());
  if (largest == 0) throw std::invalid_argument("every priority is zero; there is no largest positive one");
  return largest;
}

double SumTree::min() const {
  double smallest = HUGE_VAL;
  for (const double leaf : leaves())
    if (leaf > 0 && leaf < smallest) smallest = leaf;
  if (smallest == HUGE_VAL)
    throw std::invalid_argument("every priority is zero; there is no smallest positive one");
  return smallest;
}

void SumTree::check_indices(std::span<const std::int64_t> indices) const {
  for (std::size_t i = 0; i < indices.size(); ++i)
    if (indices[i] < 0 || indices[i] >= capacity_)
      throw std::out_of_range(
          text("indices[", i, "] is ", indices[i], "; it must be from 0 to ", capacity_ - 1));
}

void SumTree::get(std::span<const std::int64_t> indices, std::span<double> out) const {
  check_indices(indices);
  const double* leaf = level(0);
  std::ranges::transform(indices, out.begin(), [leaf](std::int64_t index) { return leaf[index]; });
}

void SumTree::set(std::span<const std::int64_t> indices, std::span<const double> priorities) {
  check_indices(indices);
  for (std::size_t i = 0; i < priorities.size(); ++i)
    if (!(priorities[i] >= 0 && priorities[i] <= kMaxPriority))
      throw std::invalid_argument(text("priorities[", i, "] is ", priorities[i],
                                       "; priorities must be finite, >= 0 and at most ", kMaxPriority));

  std::vector<std::size_t> places(indices.size());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    places[i] = static_cast<std::size_t>(indices[i]);
    level(0)[places[i]] = priorities[i] + 0.0;  // makes -0.0 a plain zero
  }
  for (std::size_t depth = 1; depth < offsets_.size(); ++depth) {
    const double* children = level(depth - 1);
    double* parents = level(depth);
    for (std::size_t& place : places) {
      place /= kFanOut;
      parents[place] = node_sum(children + place * kFanOut);
    }
  }
}

void SumTree::clear() noexcept { std::fill_n(level(0), size_, 0.0); }

std::int64_t SumTree::find(double mass) const {
  if (!(mass >= 0 && mass < total()))
    throw std::invalid_argument(text("mass is ", mass, "; it must be >= 0 and below the total, ", total()));
  std::size_t place = 0;
  for (std::size_t depth = offsets_.size(); depth-- > 0;)
    place = place * kFanOut + descend(level(depth) + place * kFanOut, mass);
  return static_cast<std::int64_t>(place);
}

void SumTree::sample(std::span<std::int64_t> out) {
  const double sum = total();
  if (!(sum > 0)) throw std::invalid_argument("every priority is zero; there is nothing to sample");

  const double stratum = sum / static_cast<double>(out.size());
  std::vector<double> mass(out.size());
  PhiloxBlock block{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t draw = draws_ + i;
    if (i == 0 || draw % block.size() == 0) block = philox({seed_, 0}, {draw / block.size(), 0, 0, 0});
    mass[i] = (static_cast<double>(i) + unit_interval(block[draw % block.size()])) * stratum;
  }
  draws_ += out.size();

  std::ranges::fill(out, 0);
  for (std::size_t depth = offsets_.size(); depth-- > 0;) {
    const double* nodes = level(depth);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double* children = nodes + static_cast<std::size_t>(out[i]) * kFanOut;
      out[i] = out[i] * static_cast<std::int64_t>(kFanOut) + static_cast<std::int64_t>(descend(children, mass[i]));
    }
  }
}

}  // namespace apexline
