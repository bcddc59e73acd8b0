#include "racing/base/pcg64.hpp"

#include <bit>
#include <limits>

namespace apexline::racing {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr Wide joined(std::uint64_t high, std::uint64_t low) noexcept { return Wide{high} << 64 | low; }

// PCG_DEFAULT_MULTIPLIER_128 of the reference implementation.
constexpr Wide kMultiplier = joined(0x2360ED051FC65DA4, 0x4385DF649FCCF645);

}  // namespace

// The generator advances first; its output is the halves of the new state combined and rotated by its top six bits.
std::uint64_t Pcg64::next64() noexcept {
  const Wide stepped =
      joined(state_.state_high, state_.state_low) * kMultiplier + joined(state_.increment_high, state_.increment_low);
  state_.state_high = static_cast<std::uint64_t>(stepped >> 64);
  state_.state_low = static_cast<std::uint64_t>(stepped);
  return std::rotr(state_.state_high ^ state_.state_low, static_cast<int>(state_.state_high >> 58));
}

// The low half first, the high half at the next call. As in NumPy, the high half stays in the state after its use.
std::uint32_t Pcg64::next32() noexcept {
  if (state_.has_uint32) {
    state_.has_uint32 = false;
    return state_.uinteger;
  }
  const std::uint64_t drawn = next64();
  state_.has_uint32 = true;
  state_.uinteger = static_cast<std::uint32_t>(drawn >> 32);
  return static_cast<std::uint32_t>(drawn);
}

double Pcg64::uniform(double low, double high) noexcept {
  return low + (high - low) * (static_cast<double>(next64() >> 11) * 0x1.0p-53);
}

// Lemire, "Fast Random Integer Generation in an Interval" (2019): the high half of a product, drawn again if the
// low half is among the 2^32 mod bound values that would make some results more likely.
std::uint32_t Pcg64::integers(std::uint32_t bound) noexcept {
  const std::uint32_t biased = (std::numeric_limits<std::uint32_t>::max() - bound + 1) % bound;
  std::uint64_t product = std::uint64_t{next32()} * bound;
  while (static_cast<std::uint32_t>(product) < biased) product = std::uint64_t{next32()} * bound;
  return static_cast<std::uint32_t>(product >> 32);
}

}  // namespace apexline::racing
