#include "replay/sum_tree.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"
#include "random.hpp"
#include "support/philox.hpp"
#include "variants.hpp"

using namespace apexline;
using apexline::test::kEveryIsa;
using apexline::test::Random;
using apexline::test::supported_isas;

namespace {

constexpr std::int64_t kCapacities[] = {1, 2, 7, 8, 9, 63, 64, 65, 512, 513, 4097};

std::vector<double> leaves_of(const SumTree& tree) { return {tree.leaves().begin(), tree.leaves().end()}; }

SumTree built_from(const std::vector<double>& leaves, std::uint64_t seed) {
  SumTree tree(static_cast<std::int64_t>(leaves.size()), seed);
  std::vector<std::int64_t> indices(leaves.size());
  std::iota(indices.begin(), indices.end(), 0);
  tree.set(indices, leaves);
  return tree;
}

std::vector<std::int64_t> sampled(SumTree& tree, std::size_t count) {
  std::vector<std::int64_t> out(count);
  tree.sample(out);
  return out;
}

std::vector<std::uint64_t> bits_of(std::span<const double> values) {
  std::vector<std::uint64_t> bits(values.size());
  std::ranges::transform(values, bits.begin(), [](double value) { return std::bit_cast<std::uint64_t>(value); });
  return bits;
}

std::int64_t first_above(const std::vector<double>& leaves, double mass) {
  double sum = 0;
  for (std::size_t i = 0; i < leaves.size(); ++i)
    if ((sum += leaves[i]) > mass) return static_cast<std::int64_t>(i);
  return -1;
}

}  // namespace

// Integers add without rounding, so every answer is exact.
TEST(equals_a_list_after_random_sets) {
  for (const std::int64_t capacity : kCapacities) {
    Random random(static_cast<std::uint64_t>(capacity));
    SumTree tree(capacity);
    std::vector<double> list(static_cast<std::size_t>(capacity));
    for (int round = 0; round < 50; ++round) {
      std::vector<std::int64_t> indices(static_cast<std::size_t>(1 + random.below(40)));
      std::vector<double> priorities(indices.size());
      for (std::size_t i = 0; i < indices.size(); ++i) {
        indices[i] = random.below(capacity);
        priorities[i] = random.chance(0.3) ? 0.0 : static_cast<double>(random.below(1000));
        list[static_cast<std::size_t>(indices[i])] = priorities[i];
      }
      tree.set(indices, priorities);

      const double total = std::accumulate(list.begin(), list.end(), 0.0);
      CHECK(leaves_of(tree) == list);
      CHECK(tree.total() == total);
      if (total == 0) continue;
      CHECK(tree.max() == *std::ranges::max_element(list));
      for (int i = 0; i < 20; ++i) {
        const double mass = std::floor(random.unit() * total);
        CHECK(tree.find(mass) == first_above(list, mass));
      }
    }
  }
}

TEST(equals_a_fresh_tree_bit_for_bit_after_any_history) {
  for (const std::int64_t capacity : kCapacities) {
    Random random(7);
    SumTree tree(capacity, 3);
    for (int round = 0; round < 3000; ++round) {
      const std::vector<std::int64_t> indices{random.below(capacity), random.below(capacity)};
      const std::vector<double> priorities{std::pow(10.0, 30 * random.unit() - 15), random.unit()};
      tree.set(indices, priorities);
    }
    SumTree fresh = built_from(leaves_of(tree), 3);
    CHECK(tree.total() == fresh.total());
    CHECK(sampled(tree, 5000) == sampled(fresh, 5000));
  }
}

// One history for all variants and a list: batches from one place to many times the tree, with repeated places and
// priorities of every magnitude.
TEST(every_variant_computes_the_same_bits_after_any_history) {
  for (const std::int64_t capacity : kCapacities) {
    Random random(static_cast<std::uint64_t>(100 + capacity));
    std::vector<SumTree> trees;
    for (const Isa isa : supported_isas()) trees.emplace_back(capacity, 11, isa);
    std::vector<double> list(static_cast<std::size_t>(capacity));
    for (int round = 0; round < 40; ++round) {
      std::vector<std::int64_t> indices(
          static_cast<std::size_t>(random.chance(0.5) ? 1 + random.below(20) : 1 + random.below(1000)));
      std::vector<double> priorities(indices.size());
      const std::int64_t span = random.chance(0.3) ? std::min<std::int64_t>(capacity, 20) : capacity;
      for (std::size_t i = 0; i < indices.size(); ++i) {
        indices[i] = random.below(span);
        priorities[i] = random.priority();
        list[static_cast<std::size_t>(indices[i])] = priorities[i];
      }
      std::vector<std::int64_t> drawn(static_cast<std::size_t>(1 + random.below(1000)));
      const double part = random.unit();
      std::vector<std::int64_t> first_drawn;
      for (SumTree& tree : trees) {
        tree.set(indices, priorities);
        CHECK(tree.consistent());
        CHECK(bits_of(tree.leaves()) == bits_of(list));
        CHECK(bits_of({{tree.total()}}) == bits_of({{trees[0].total()}}));
        if (tree.total() == 0) continue;
        CHECK(tree.find(part * tree.total()) == trees[0].find(part * tree.total()));
        tree.sample(drawn);
        if (first_drawn.empty()) first_drawn = drawn;
        CHECK(drawn == first_drawn);
        CHECK(std::ranges::all_of(drawn, [&](std::int64_t leaf) { return list[static_cast<std::size_t>(leaf)] > 0; }));
      }
    }
  }
}

TEST(in_a_batch_larger_than_the_tree_the_last_of_each_counts) {
  for (const Isa isa : supported_isas())
    for (const std::int64_t capacity : {1, 9, 64, 65, 600}) {
      Random random(static_cast<std::uint64_t>(capacity));
      SumTree tree(capacity, 0, isa);
      std::vector<double> list(static_cast<std::size_t>(capacity));
      std::vector<std::int64_t> indices(20000);
      std::vector<double> priorities(indices.size());
      for (std::size_t i = 0; i < indices.size(); ++i) {
        indices[i] = random.below(capacity);
        priorities[i] = static_cast<double>(random.below(1000));
        list[static_cast<std::size_t>(indices[i])] = priorities[i];
      }
      tree.set(indices, priorities);
      CHECK(leaves_of(tree) == list);
      CHECK(tree.consistent());
      CHECK(tree.total() == std::accumulate(list.begin(), list.end(), 0.0));
    }
}

TEST(consistent_finds_a_wrong_sum) {
  for (const std::int64_t capacity : {9, 64, 65, 4097})
    for (const std::int64_t leaf : {std::int64_t{0}, capacity - 1}) {
      SumTree tree(capacity);
      tree.set(std::vector<std::int64_t>{leaf}, std::vector<double>{1});
      CHECK(tree.consistent());
      const_cast<double&>(tree.leaves()[static_cast<std::size_t>(leaf)]) = 2;
      CHECK(!tree.consistent());
    }
}

TEST(minus_zero_becomes_zero) {
  SumTree tree(9);
  tree.set(std::vector<std::int64_t>{0, 8}, std::vector<double>{-0.0, -0.0});
  CHECK(bits_of(tree.leaves()) == std::vector<std::uint64_t>(9));
  CHECK(bits_of({{tree.total()}}) == std::vector<std::uint64_t>(1));
}

TEST(the_largest_priorities_do_not_overflow) {
  for (const Isa isa : supported_isas()) {
    SumTree tree(4097, 0, isa);
    std::vector<std::int64_t> all(4097);
    std::iota(all.begin(), all.end(), 0);
    tree.set(all, std::vector<double>(all.size(), kMaxPriority));
    CHECK(std::isfinite(tree.total()));
    CHECK(tree.find(0) == 0);
    CHECK(tree.find(std::nextafter(tree.total(), 0.0)) == 4096);
  }
}

TEST(an_unsupported_variant_is_refused) {
  for (const Isa isa : kEveryIsa) {
    if (supported(isa))
      CHECK(SumTree(8, 0, isa).total() == 0);
    else
      CHECK_THROWS(std::invalid_argument, "isa is " + std::string(name(isa)), SumTree(8, 0, isa));
  }
}

// Priorities from the smallest positive number to the largest allowed: rounding removes most children from the sums.
TEST(never_returns_a_leaf_of_priority_zero) {
  constexpr double magnitudes[] = {5e-324, 3e-310, 1e-300, 0x1p-54, 0x1p-53, 0.1, 1.0, 1e15, 1e200, kMaxPriority};
  for (const std::int64_t capacity : kCapacities)
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      Random random(seed);
      std::vector<double> leaves(static_cast<std::size_t>(capacity));
      for (double& leaf : leaves)
        if (random.chance(0.3)) leaf = magnitudes[random.below(std::size(magnitudes))];
      leaves[static_cast<std::size_t>(random.below(capacity))] = 1;
      SumTree tree = built_from(leaves, seed);
      for (const std::int64_t index : sampled(tree, 300)) CHECK(leaves[static_cast<std::size_t>(index)] > 0);
      const double last = std::nextafter(tree.total(), 0.0);
      for (const double mass : {0.0, tree.total() / 3, last})
        CHECK(leaves[static_cast<std::size_t>(tree.find(mass))] > 0);
    }
}

TEST(min_and_max_are_over_positive_leaves) {
  SumTree tree = built_from({0, 3, 0, 0.5, 9, 0}, 0);
  CHECK(tree.min() == 0.5);
  CHECK(tree.max() == 9);
}

TEST(clear_keeps_the_random_stream) {
  SumTree tree = built_from(std::vector<double>(100, 1.0), 0);
  static_cast<void>(sampled(tree, 5));
  tree.clear();
  CHECK(tree.total() == 0);
  CHECK(leaves_of(tree) == std::vector<double>(100));
  CHECK(tree.draws() == 5);
}

TEST(draws_are_consecutive_words_of_philox) {
  constexpr std::uint64_t seed = 9;
  constexpr double leaves = 1000;
  SumTree tree = built_from(std::vector<double>(1000, 1.0), seed);
  std::uint64_t draw = 0;
  for (const std::size_t n : {1U, 2U, 3U, 7U, 50U}) {
    const auto drawn = sampled(tree, n);
    for (std::size_t i = 0; i < n; ++i, ++draw) {
      const double uniform = unit_interval(philox({seed, 0}, {draw / 4, 0, 0, 0})[draw % 4]);
      const double mass = (static_cast<double>(i) + uniform) * (leaves / static_cast<double>(n));
      CHECK(drawn[i] == static_cast<std::int64_t>(mass));
    }
  }
}

TEST(invalid_calls_name_value_and_index_and_change_nothing) {
  SumTree tree = built_from({1, 2, 3}, 0);
  using Indices = std::vector<std::int64_t>;
  using Priorities = std::vector<double>;
  constexpr double inf = std::numeric_limits<double>::infinity();
  std::vector<double> got(2);

  CHECK_THROWS(std::out_of_range, "indices[1] is 3", tree.set(Indices{0, 3}, Priorities{9, 9}));
  CHECK_THROWS(std::out_of_range, "indices[0] is -1", tree.set(Indices{-1}, Priorities{9}));
  CHECK_THROWS(std::out_of_range, "indices[1] is 4", tree.get(Indices{0, 4}, got));
  CHECK_THROWS(std::invalid_argument, "priorities[1] is nan", tree.set(Indices{0, 1}, Priorities{9, std::nan("")}));
  CHECK_THROWS(std::invalid_argument, "priorities[1] is inf", tree.set(Indices{0, 1}, Priorities{9, inf}));
  CHECK_THROWS(std::invalid_argument, "priorities[0] is -1", tree.set(Indices{0}, Priorities{-1}));
  CHECK_THROWS(std::invalid_argument, "priorities[0] is", tree.set(Indices{0}, Priorities{1.1e290}));
  CHECK_THROWS(std::invalid_argument, "mass is 6", tree.find(6));
  CHECK_THROWS(std::invalid_argument, "mass is -1", tree.find(-1));
  CHECK_THROWS(std::invalid_argument, "mass is nan", tree.find(std::nan("")));
  CHECK(leaves_of(tree) == std::vector<double>{1, 2, 3});
  CHECK(tree.draws() == 0);
}

TEST(an_all_zero_tree_cannot_be_sampled) {
  SumTree tree(4);
  CHECK_THROWS(std::invalid_argument, "all priorities are zero", sampled(tree, 1));
  CHECK_THROWS(std::invalid_argument, "all priorities are zero", tree.min());
  CHECK_THROWS(std::invalid_argument, "all priorities are zero", tree.max());
  CHECK_THROWS(std::invalid_argument, "mass is 0", tree.find(0));
}

TEST(capacity_has_limits) {
  CHECK_THROWS(std::invalid_argument, "capacity is 0", SumTree(0));
  CHECK_THROWS(std::invalid_argument, "capacity is -5", SumTree(-5));
  CHECK_THROWS(std::invalid_argument, "capacity is 1099511627777", SumTree((std::int64_t{1} << 40) + 1));
}
