#include "support/finite.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace apexline {
namespace {

template <class T>
T load(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

template <class T>
std::optional<NotFinite> find_float(const std::byte* numbers, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes / sizeof(T); ++i)
    if (const T value = load<T>(numbers + i * sizeof(T)); !std::isfinite(value))
      return NotFinite{i, static_cast<double>(value)};
  return {};
}

// IEEE 754 binary16: an exponent of all ones is an infinity, or NaN if the fraction is not zero.
std::optional<NotFinite> find_half(const std::byte* numbers, std::size_t bytes) noexcept {
  constexpr std::uint16_t exponent = 0x7C00;
  constexpr std::uint16_t fraction = 0x03FF;
  for (std::size_t i = 0; i < bytes / 2; ++i)
    if (const auto half = load<std::uint16_t>(numbers + 2 * i); (half & exponent) == exponent)
      return NotFinite{i, (half & fraction) != 0 ? NAN : half >> 15 != 0 ? -HUGE_VAL : HUGE_VAL};
  return {};
}

}  // namespace

std::optional<NotFinite> find_not_finite(Number number, const std::byte* numbers, std::size_t bytes) noexcept {
  switch (number) {
    case Number::kFloat16: return find_half(numbers, bytes);
    case Number::kFloat32: return find_float<float>(numbers, bytes);
    case Number::kFloat64: return find_float<double>(numbers, bytes);
    default: return {};
  }
}

}  // namespace apexline
