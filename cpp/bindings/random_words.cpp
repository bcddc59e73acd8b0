#include "random_words.hpp"

#include <algorithm>
#include <array>

namespace apexline::bindings {
namespace {

constexpr std::size_t kWords = 6;

racing::Pcg64::State checked(const std::uint64_t* words, const std::string& place, bool is_chosen = true) {
  std::array<std::uint64_t, kWords> word{};
  std::copy_n(words, kWords, word.begin());
  if (is_chosen && word[3] % 2 == 0)
    throw py::value_error(text(place, "3] is ", word[3], "; expected the low half of an odd increment"));
  if (word[4] > 1) throw py::value_error(text(place, "4] is ", word[4], "; expected has_uint32, 0 or 1"));
  if (word[5] > std::numeric_limits<std::uint32_t>::max())
    throw py::value_error(text(place, "5] is ", word[5], "; expected uinteger, below 2**32"));
  return {.state_high = word[0],
          .state_low = word[1],
          .increment_high = word[2],
          .increment_low = word[3],
          .has_uint32 = word[4] == 1,
          .uinteger = static_cast<std::uint32_t>(word[5])};
}

}  // namespace

py::array_t<std::uint64_t> random_words(const racing::Pcg64& random) {
  const racing::Pcg64::State& state = random.state();
  const std::array<std::uint64_t, kWords> words{state.state_high,    state.state_low,  state.increment_high,
                                                state.increment_low, state.has_uint32, state.uinteger};
  return py::array_t<std::uint64_t>(kWords, words.data());
}

std::vector<racing::Pcg64::State> random_states(const py::handle& words, const char* name,
                                                std::optional<std::span<const bool>> chosen) {
  const py::array given = as_array(words);
  const py::ssize_t rows = chosen ? std::ssize(*chosen) : (given.ndim() > 0 ? given.shape(0) : 0);
  if (rows < 1) throw py::value_error(text(name, " holds ", rows, " states; expected at least 1"));
  const py::array array = exact_array(given, name, py::dtype::of<std::uint64_t>(), {rows, py::ssize_t{kWords}});
  std::vector<racing::Pcg64::State> states(static_cast<std::size_t>(rows));
  for (std::size_t row = 0; row < states.size(); ++row)
    states[row] =
        checked(data<std::uint64_t>(array) + kWords * row, text(name, "[", row, ", "), !chosen || (*chosen)[row]);
  return states;
}

racing::Pcg64::State random_state(const py::handle& words, const char* name) {
  const py::array array = exact_array(words, name, py::dtype::of<std::uint64_t>(), {kWords});
  return checked(data<std::uint64_t>(array), text(name, "["));
}

}  // namespace apexline::bindings
