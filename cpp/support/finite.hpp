// Looking for numbers that are not finite in memory of any of NumPy's float types.
#pragma once

#include <cstddef>
#include <optional>

namespace apexline {

// How to tell whether a number is finite.
enum class Number { kInteger, kFloat16, kFloat32, kFloat64 };

struct NotFinite {
  std::size_t place;
  double value;
};

// The first of the numbers in `bytes` bytes that is not finite; they may lie at any address.
[[nodiscard]] std::optional<NotFinite> find_not_finite(Number number, const std::byte* numbers,
                                                       std::size_t bytes) noexcept;

}  // namespace apexline
