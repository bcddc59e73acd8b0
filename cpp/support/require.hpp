// Checks of arguments.
#pragma once

#include <stdexcept>

#include "support/text.hpp"

namespace apexline {

// Throws std::invalid_argument "`name` is `value`; expected `condition`" unless `holds`.
template <class T>
void require(bool holds, const char* name, const T& value, const char* condition) {
  if (!holds) throw std::invalid_argument(text(name, " is ", value, "; expected ", condition));
}

}  // namespace apexline
