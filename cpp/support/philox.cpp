#include "support/philox.hpp"

#include <algorithm>

namespace apexline {
namespace {

struct Product {
  std::uint64_t high;
  std::uint64_t low;
};

Product multiply(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return {static_cast<std::uint64_t>(product >> 64), static_cast<std::uint64_t>(product)};
}

// Multipliers and Weyl increments from table 2 and section 4.3 of the paper.
constexpr std::uint64_t kMultiplier0 = 0xD2E7470EE14C6C93;
constexpr std::uint64_t kMultiplier1 = 0xCA5A826395121157;
constexpr std::uint64_t kWeyl0 = 0x9E3779B97F4A7C15;
constexpr std::uint64_t kWeyl1 = 0xBB67AE8584CAA73B;
constexpr int kRounds = 10;

PhiloxBlock next_round(PhiloxKey key, const PhiloxBlock& counter) noexcept {
  const Product p0 = multiply(kMultiplier0, counter[0]);
  const Product p1 = multiply(kMultiplier1, counter[2]);
  return {p1.high ^ counter[1] ^ key[0], p1.low, p0.high ^ counter[3] ^ key[1], p0.low};
}

PhiloxKey next_key(PhiloxKey key) noexcept { return {key[0] + kWeyl0, key[1] + kWeyl1}; }

}  // namespace

PhiloxBlock philox(PhiloxKey key, PhiloxBlock counter) noexcept {
  for (int round = 0; round < kRounds; ++round, key = next_key(key)) counter = next_round(key, counter);
  return counter;
}

// Two blocks at a time: the rounds of one depend on each other, those of two do not.
void philox_stream(PhiloxKey key, std::uint64_t first, std::span<std::uint64_t> words) noexcept {
  std::uint64_t block = first / kPhiloxWords;
  std::size_t skip = first % kPhiloxWords;
  for (std::size_t filled = 0; filled < words.size(); block += 2) {
    PhiloxBlock even{block, 0, 0, 0};
    PhiloxBlock odd{block + 1, 0, 0, 0};
    PhiloxKey round_key = key;
    for (int round = 0; round < kRounds; ++round, round_key = next_key(round_key)) {
      even = next_round(round_key, even);
      odd = next_round(round_key, odd);
    }
    for (const PhiloxBlock& drawn : {even, odd}) {
      const std::size_t taken = std::min(kPhiloxWords - skip, words.size() - filled);
      std::copy_n(drawn.data() + skip, taken, words.data() + filled);
      filled += taken;
      skip = 0;
    }
  }
}

}  // namespace apexline
