// One string from many parts, for error messages that name the offending value and its place.
#pragma once

#include <limits>
#include <sstream>
#include <string>

namespace apexline {

template <class... Parts>
[[nodiscard]] std::string text(const Parts&... parts) {
  std::ostringstream out;
  out.precision(std::numeric_limits<double>::max_digits10);
  (out << ... << parts);
  return out.str();
}

}  // namespace apexline
