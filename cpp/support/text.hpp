// One string from many parts, for error messages that name the offending value and its place.
#pragma once

#include <charconv>
#include <concepts>
#include <sstream>
#include <string>
#include <string_view>

namespace apexline {

// Of a float, the fewest digits that tell it from every other.
template <class Part>
void print(std::ostream& out, const Part& part) {
  if constexpr (std::floating_point<Part>) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof(digits), part).ptr;
    out << std::string_view(digits, static_cast<std::size_t>(end - digits));
  } else {
    out << part;
  }
}

template <class... Parts>
[[nodiscard]] std::string text(const Parts&... parts) {
  std::ostringstream out;
  (print(out, parts), ...);
  return out.str();
}

}  // namespace apexline
