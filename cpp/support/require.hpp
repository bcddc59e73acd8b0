// Refusing a value that is out of its range.
#pragma once

#include <stdexcept>

#include "support/text.hpp"

namespace apexline {

// Throws std::invalid_argument "`name` is `value`; it must be `rule`" unless `holds`.
template <class T>
void require(bool holds, const char* name, const T& value, const char* rule) {
  if (!holds) throw std::invalid_argument(text(name, " is ", value, "; it must be ", rule));
}

}  // namespace apexline
