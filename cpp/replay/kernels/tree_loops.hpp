// The loops of TreeKernels, templates over a `Node` for one instruction set:
//   node.load(children)      computes the prefix sums of a node
//   node.descend(mass)       the child in which `mass` falls; subtracts the mass before that child
//   Node::sum(children)
//
// Everything has internal linkage and nothing comes from the standard library: each variant is compiled with its own
// target flags, and a function shared between them could contain instructions that the processor lacks.
#pragma once

#include "replay/kernels/tree_kernels.hpp"

namespace apexline {
namespace {

// Descends one level. `shared` skips loading a node again if consecutive masses fall into it.
template <class Node, bool shared>
void descend_level(const double* nodes, const double* below, std::int64_t* places, double* masses,
                   std::size_t count) noexcept {
  constexpr auto fan_out = static_cast<std::int64_t>(kFanOut);
  Node node;
  node.load(nodes);
  std::int64_t loaded = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t first = places[i] * fan_out;
    if (!shared || first != loaded) node.load(nodes + first);
    loaded = first;
    places[i] = first + static_cast<std::int64_t>(node.descend(masses[i]));
    if (below != nullptr) __builtin_prefetch(below + places[i] * fan_out);
  }
}

// Masses of a stratified batch ascend, so near the root consecutive ones share a node.
template <class Node>
void descend_all(const double* const* levels, std::size_t depth, std::int64_t* places, double* masses,
                 std::size_t count) noexcept {
  constexpr std::size_t kShared = 4;  // masses per node, at least
  std::size_t nodes = 1;              // at most, on this level
  for (std::size_t level = depth; level-- > 0;) {
    const double* below = level > 0 ? levels[level - 1] : nullptr;
    if (kShared * nodes <= count)
      descend_level<Node, true>(levels[level], below, places, masses, count);
    else
      descend_level<Node, false>(levels[level], below, places, masses, count);
    nodes *= kFanOut;
  }
}

template <class Node>
std::size_t sum_all(const double* children, double* parents, std::int64_t* places, std::size_t count) noexcept {
  std::size_t left = 0;
  std::size_t last = ~std::size_t{0};
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t parent = static_cast<std::size_t>(places[i]) / kFanOut;
    if (parent == last) continue;
    last = parent;
    parents[parent] = Node::sum(children + parent * kFanOut);
    places[left++] = static_cast<std::int64_t>(parent);
  }
  return left;
}

template <class Node>
constexpr TreeKernels kernels_of() {
  return {&descend_all<Node>, &sum_all<Node>};
}

// The child to descend to: the first of `below` (prefix sum greater than the mass) and `positive` (priority above 0), or
// the last of `positive` if there is none.
inline unsigned choose_child(unsigned below, unsigned positive) noexcept {
  const unsigned chosen = below & positive;
  return static_cast<unsigned>(chosen != 0 ? __builtin_ctz(chosen) : 31 - __builtin_clz(positive));
}

// `mass` minus `before`. Prefix sums are rounded independently, so the difference can be slightly negative.
inline double left_of(double mass, double before) noexcept {
  const double left = mass - before;
  return left > 0 ? left : 0.0;
}

}  // namespace
}  // namespace apexline
