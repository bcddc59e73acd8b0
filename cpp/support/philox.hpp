// Philox4x64-10, a counter-based random generator.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
// A block of four words is a pure function of (key, counter), so numbers can be computed in any order and by any thread,
// and the state of a stream is two integers. The bits equal those of numpy.random.Philox for the same key and counter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>

namespace apexline {

using PhiloxBlock = std::array<std::uint64_t, 4>;
using PhiloxKey = std::array<std::uint64_t, 2>;

inline constexpr std::size_t kPhiloxWords = std::tuple_size_v<PhiloxBlock>;

[[nodiscard]] PhiloxBlock philox(PhiloxKey key, PhiloxBlock counter) noexcept;
// Words first, first + 1, ... of the stream of blocks with counters {0, 0, 0, 0}, {1, 0, 0, 0}, ...
void philox_stream(PhiloxKey key, std::uint64_t first, std::span<std::uint64_t> words) noexcept;

// Uniform in [0, 1) with 53 random bits.
[[nodiscard]] constexpr double unit_interval(std::uint64_t word) noexcept {
  return static_cast<double>(word >> 11) * 0x1.0p-53;
}

// Uniform in 0 .. bound - 1 with a bias below bound / 2^32.
[[nodiscard]] constexpr std::uint32_t below(std::uint64_t word, std::uint32_t bound) noexcept {
  return static_cast<std::uint32_t>(((word >> 32) * bound) >> 32);
}

}  // namespace apexline
