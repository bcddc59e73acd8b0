#include "racing/base/pcg64.hpp"

#include <array>
#include <cstdint>

#include "check.hpp"

using namespace apexline::racing;

namespace {

// numpy.random.PCG64(2026).state
constexpr Pcg64::State kSeeded{.state_high = 0x8b4e2f84ea4132eb,
                               .state_low = 0x2d429278cd96cb05,
                               .increment_high = 0xbec6782ecb0472d8,
                               .increment_low = 0xdd766bd09854840b};

Pcg64::State after(std::uint64_t high, std::uint64_t low, bool has_uint32, std::uint32_t uinteger) {
  Pcg64::State state = kSeeded;
  state.state_high = high;
  state.state_low = low;
  state.has_uint32 = has_uint32;
  state.uinteger = uinteger;
  return state;
}

}  // namespace

// Known answers of NumPy 2: uniform(-2.5, 7), integers(3) and integers(4_000_000_000), four times.
TEST(numbers_equal_those_of_numpy) {
  struct Round {
    double uniform;
    std::uint32_t small;
    std::uint32_t large;
  };
  constexpr std::array<Round, 4> rounds{{{-0x1.99a93ba3d097ap-1, 0, 2559652662},
                                         {0x1.f0659182f8d78p+0, 0, 1482002108},
                                         {0x1.be5162d139be8p-1, 2, 3162072982},
                                         {0x1.8653d3f0ac4acp+2, 2, 709412766}}};
  Pcg64 random(kSeeded);
  for (const Round& round : rounds) {
    CHECK(random.uniform(-2.5, 7) == round.uniform);
    CHECK(random.integers(3) == round.small);
    CHECK(random.integers(4000000000) == round.large);
  }
  CHECK(random.state() == after(0x98267716a6dca823, 0xb06e72ddff1d9b8d, false, 0x2d6704ce));
}

// A quarter of all 32-bit numbers is rejected for this bound.
TEST(rejected_integers_are_drawn_again) {
  constexpr std::array<std::uint32_t, 6> known{2744007487, 85096847, 2061304589, 1177285999, 1505176875, 257144150};
  Pcg64 random(kSeeded);
  for (const std::uint32_t value : known) CHECK(random.integers(0xC0000000) == value);
  CHECK(random.state() == after(0x67cfc6b4c9980d57, 0xd9e7198c2f25bf69, true, 0x5ed91f5f));
}

TEST(the_high_half_is_kept_while_64_bit_numbers_are_drawn) {
  Pcg64 interleaved(kSeeded);
  Pcg64 plain(kSeeded);
  const std::uint32_t low_half = interleaved.integers(1U << 31);
  const double second = interleaved.uniform(0, 1);
  CHECK(plain.integers(1U << 31) == low_half);
  const std::uint32_t high_half = plain.integers(1U << 31);
  CHECK(plain.uniform(0, 1) == second);
  CHECK(interleaved.integers(1U << 31) == high_half);
  CHECK(interleaved.state() == plain.state());
}

TEST(a_generator_continues_from_its_state) {
  Pcg64 random(kSeeded);
  for (int i = 0; i < 5; ++i) random.integers(7);
  Pcg64 copy(random.state());
  for (int i = 0; i < 100; ++i) {
    CHECK(copy.integers(7) == random.integers(7));
    CHECK(copy.uniform(1, 2) == random.uniform(1, 2));
  }
}
