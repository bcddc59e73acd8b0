#include "support/finite.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "check.hpp"

using namespace apexline;

namespace {

// What is found in five zeros of which the one in place 3 is `value`, at each address that is no multiple of anything.
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

// Every half there is, by the definition: 5 bits of exponent, all of them set.
TEST(halves_are_told_by_their_bits) {
  for (unsigned bits = 0; bits < 0x10000; ++bits)
    CHECK(is_finite(Number::kFloat16, static_cast<std::uint16_t>(bits)) == ((bits >> 10 & 0x1F) != 0x1F));
  CHECK(is_found(Number::kFloat16, std::uint16_t{0x7C00}, kInf));
  CHECK(is_found(Number::kFloat16, std::uint16_t{0xFC00}, -kInf));
  for (const unsigned nan : {0x7C01U, 0x7E00U, 0x7FFFU, 0xFE00U})
    CHECK(is_found(Number::kFloat16, static_cast<std::uint16_t>(nan), kNan));
}

TEST(floats_and_doubles_are_told) {
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
