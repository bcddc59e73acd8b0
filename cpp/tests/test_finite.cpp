#include "support/finite.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "check.hpp"

using namespace apexline;

namespace {

// The result for five zeros of which number 3 is replaced by `value`, at unaligned addresses.
template <class T>
bool is_found(Number number, T value, double expected) {
  constexpr std::size_t count = 5;
  const T numbers[count] = {0, 0, 0, value, value};
  for (std::size_t offset = 0; offset < sizeof(T); ++offset) {
    std::vector<std::byte> bytes(offset + sizeof(numbers));
    std::memcpy(bytes.data() + offset, numbers, sizeof(numbers));
    const auto found = find_not_finite(number, bytes.data() + offset, sizeof(numbers));
    if (!found || found->place != 3) return false;
    if (std::isnan(expected) ? !std::isnan(found->value) : found->value != expected) return false;
    if (find_not_finite(number, bytes.data() + offset, 3 * sizeof(T))) return false;
  }
  return true;
}

template <class T>
bool is_finite(Number number, T value) {
  return !find_not_finite(number, reinterpret_cast<const std::byte*>(&value), sizeof(value));
}

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

// Every float16; not finite if all 5 bits of the exponent are set.
TEST(float16_values) {
  for (unsigned bits = 0; bits < 0x10000; ++bits)
    CHECK(is_finite(Number::kFloat16, static_cast<std::uint16_t>(bits)) == ((bits >> 10 & 0x1F) != 0x1F));
  CHECK(is_found(Number::kFloat16, std::uint16_t{0x7C00}, kInf));
  CHECK(is_found(Number::kFloat16, std::uint16_t{0xFC00}, -kInf));
  for (const unsigned nan : {0x7C01U, 0x7E00U, 0x7FFFU, 0xFE00U})
    CHECK(is_found(Number::kFloat16, static_cast<std::uint16_t>(nan), kNan));
}

TEST(float32_and_float64_values) {
  CHECK(is_finite(Number::kFloat32, std::numeric_limits<float>::max()));
  CHECK(is_found(Number::kFloat32, static_cast<float>(kInf), kInf));
  CHECK(is_found(Number::kFloat32, static_cast<float>(kNan), kNan));
  CHECK(is_finite(Number::kFloat64, std::numeric_limits<double>::max()));
  CHECK(is_found(Number::kFloat64, -kInf, -kInf));
  CHECK(is_found(Number::kFloat64, kNan, kNan));
}

TEST(integers_are_finite) {
  CHECK(is_finite(Number::kInteger, std::uint16_t{0x7C00}));
  CHECK(is_finite(Number::kInteger, std::int64_t{-1}));
}
