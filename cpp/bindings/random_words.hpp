// States of NumPy's PCG64 as six 64-bit words: the numbers of numpy.random.PCG64().state.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "arrays.hpp"
#include "racing/base/pcg64.hpp"

namespace apexline::bindings {

// (6,) uint64: high and low half of the state, those of the increment, has_uint32, uinteger.
[[nodiscard]] py::array_t<std::uint64_t> random_words(const racing::Pcg64& random);

// From (rows, 6) uint64, any number of rows >= 1; with `chosen`, one row for each of its elements, of which those that
// are not chosen may have an even increment, such as zeros.
[[nodiscard]] std::vector<racing::Pcg64::State> random_states(const py::handle& words, const char* name,
                                                              std::optional<std::span<const bool>> chosen = {});

// From (6,) uint64.
[[nodiscard]] racing::Pcg64::State random_state(const py::handle& words, const char* name);

}  // namespace apexline::bindings
