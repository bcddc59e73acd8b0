// Finds NaN and infinite values in memory of any of NumPy's float types.
#pragma once

#include <cstddef>
#include <optional>

namespace apexline {

// The type of the numbers in a buffer.
enum class Number { kInteger, kFloat16, kFloat32, kFloat64 };

struct NotFinite {
  std::size_t place;  // index of the number
  double value;
};

// The first number in `bytes` bytes that is not finite, in O(bytes). No alignment is required.
[[nodiscard]] std::optional<NotFinite> find_not_finite(Number number, const std::byte* numbers,
                                                       std::size_t bytes) noexcept;

}  // namespace apexline
