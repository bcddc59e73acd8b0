// Error messages that name the offending argument, its value and the expected condition.
#pragma once

#include <charconv>
#include <concepts>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace apexline {

// Writes a float with the fewest digits that identify it, everything else as operator<< does.
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

// Joins the parts to one string.
template <class... Parts>
[[nodiscard]] std::string text(const Parts&... parts) {
  std::ostringstream out;
  (print(out, parts), ...);
  return out.str();
}

// Throws std::invalid_argument "`name` is `value`; expected `condition`" unless `holds`.
template <class T>
void require(bool holds, const char* name, const T& value, const char* condition) {
  if (!holds) throw std::invalid_argument(text(name, " is ", value, "; expected ", condition));
}

}  // namespace apexline
