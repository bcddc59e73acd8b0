#include "replay/kernels/tree_kernels.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "check.hpp"
#include "random.hpp"
#include "variants.hpp"

using namespace apexline;
using apexline::test::Random;
using apexline::test::supported_isas;

namespace {

struct alignas(64) Node {
  std::array<double, kFanOut> children;
};

Node random_node(Random& random) {
  Node node;
  for (double& child : node.children) child = random.priority();
  return node;
}

double sum_of(const Node& node) {
  const auto& c = node.children;
  return ((c[0] + c[1]) + (c[2] + c[3])) + ((c[4] + c[5]) + (c[6] + c[7]));
}

// One step down as the header defines it.
std::size_t descend_by_definition(const Node& node, double& mass) {
  std::array<double, kFanOut> prefix = node.children;
  for (const std::size_t places : {1U, 2U, 4U}) {
    const auto before = prefix;
    for (std::size_t i = places; i < kFanOut; ++i) prefix[i] = before[i] + before[i - places];
  }
  std::size_t child = kFanOut;
  for (std::size_t i = kFanOut; i-- > 0;)
    if (node.children[i] > 0 && prefix[i] > mass) child = i;
  if (child == kFanOut)
    for (std::size_t i = 0; i < kFanOut; ++i)
      if (node.children[i] > 0) child = i;
  if (child > 0) mass = std::max(mass - prefix[child - 1], 0.0);
  return child;
}

// A whole tree: levels[0] are the leaves, the last level is one node.
using Levels = std::vector<std::vector<Node>>;

Levels random_levels(Random& random, std::size_t depth) {
  std::size_t nodes = 1;
  for (std::size_t level = 1; level < depth; ++level) nodes *= kFanOut;
  Levels levels(1);
  for (std::size_t node = 0; node < nodes; ++node) levels[0].push_back(random_node(random));
  levels[0][0].children[3] = 1;  // never all zeros
  while (levels.back().size() > 1) {
    const std::vector<Node>& below = levels.back();
    std::vector<Node> parents(below.size() / kFanOut);
    for (std::size_t i = 0; i < below.size(); ++i) parents[i / kFanOut].children[i % kFanOut] = sum_of(below[i]);
    levels.push_back(std::move(parents));
  }
  return levels;
}

}  // namespace

TEST(every_variant_sums_in_the_documented_order) {
  for (const Isa isa : supported_isas()) {
    Random random(1);
    for (int round = 0; round < 500; ++round) {
      std::vector<Node> nodes;
      for (int node = 0; node < 5; ++node) nodes.push_back(random_node(random));
      std::vector<double> parents(nodes.size(), -1.0);
      std::vector<std::int64_t> places{39, 32, 0, 7, 3, 25, 31, 24, 5};  // children of nodes 4, 0, 3 and 0 again
      places.resize(tree_kernels(isa).sum(nodes[0].children.data(), parents.data(), places.data(), places.size()));
      CHECK(places == std::vector<std::int64_t>{4, 0, 3, 0});
      for (std::size_t node = 0; node < nodes.size(); ++node) {
        const bool summed = std::ranges::count(places, static_cast<std::int64_t>(node)) > 0;
        const double expected = summed ? sum_of(nodes[node]) : -1.0;
        CHECK(std::bit_cast<std::uint64_t>(parents[node]) == std::bit_cast<std::uint64_t>(expected));
      }
    }
  }
}

// Batches from sizes that share no node to sizes that share all nodes; masses in any order.
TEST(every_variant_descends_as_defined) {
  for (const Isa isa : supported_isas())
    for (std::size_t depth = 1; depth <= 4; ++depth)
      for (const std::size_t count : {0U, 1U, 3U, 4U, 5U, 31U, 32U, 255U, 256U, 300U}) {
        Random random(10 * depth + count);
        const Levels levels = random_levels(random, depth);
        std::vector<const double*> nodes;
        for (const auto& level : levels) nodes.push_back(level[0].children.data());
        const double total = sum_of(levels.back()[0]);
        std::vector<double> masses(count);
        for (double& mass : masses) mass = random.chance(0.1) ? total : random.unit() * total;
        if (random.chance(0.7)) std::ranges::sort(masses);

        std::vector<std::int64_t> expected;
        for (const double mass : masses) {
          std::size_t place = 0;
          double left = mass;
          for (std::size_t level = depth; level-- > 0;)
            place = place * kFanOut + descend_by_definition(levels[level][place], left);
          expected.push_back(static_cast<std::int64_t>(place));
        }
        std::vector<std::int64_t> places(count);
        tree_kernels(isa).descend(nodes.data(), depth, places.data(), masses.data(), count);
        CHECK(places == expected);
      }
}

// Masses small enough to fall into each child in turn, and nodes with children missing.
TEST(every_child_is_reached) {
  for (const Isa isa : supported_isas())
    for (unsigned present = 1; present < 256; ++present) {
      Node node{};
      for (std::size_t i = 0; i < kFanOut; ++i) node.children[i] = (present >> i & 1U) != 0 ? 1.0 : 0.0;
      const double* levels[] = {node.children.data()};
      std::int64_t expected = -1;
      for (int nth = 0; nth < std::popcount(present); ++nth) {
        do ++expected;
        while ((present >> expected & 1U) == 0);
        std::int64_t place = 0;
        double mass = nth + 0.5;
        tree_kernels(isa).descend(levels, 1, &place, &mass, 1);
        CHECK(place == expected);
      }
    }
}
