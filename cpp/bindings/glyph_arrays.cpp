#include "glyph_arrays.hpp"

#include <cstddef>

namespace apexline::bindings {

racing::Glyphs glyphs_of(const py::tuple& arrays) {
  if (arrays.size() != 3) throw py::value_error(text("glyphs has ", arrays.size(), " items; expected 3"));
  constexpr auto count = static_cast<py::ssize_t>(racing::Glyphs::kCount);
  const auto int32 = py::dtype::of<std::int32_t>();
  const py::array width_array = exact_array(arrays[0], "widths", int32, {count});
  const py::array step_array = exact_array(arrays[1], "steps", int32, {count, count});
  const std::vector<std::int32_t> widths(data<std::int32_t>(width_array), data<std::int32_t>(width_array) + count);
  const std::int32_t* width = widths.data();
  py::ssize_t total = 0;
  for (py::ssize_t i = 0; i < count; ++i) {
    if (width[i] < 1) throw py::value_error(text("widths[", i, "] is ", width[i], "; expected a positive number"));
    total += width[i];
  }
  const py::array strip = as_array(arrays[2]);
  require_dtype(strip, "coverage", py::dtype::of<std::uint8_t>());
  if (strip.ndim() != 2 || strip.shape(0) < 1)
    throw py::value_error(text("coverage has ", strip.ndim(), " dimensions; expected (height, ", total, ")"));
  require_shape(strip, "coverage", {strip.shape(0), total});

  racing::Glyphs glyphs;
  glyphs.height = static_cast<std::int32_t>(strip.shape(0));
  const auto* row = data<std::uint8_t>(strip);
  for (py::ssize_t y = 0; y < strip.shape(0); ++y) {
    for (py::ssize_t i = 0; i < count; row += width[i++]) {
      racing::Glyph& glyph = glyphs.characters[static_cast<std::size_t>(i)];
      glyph.width = width[i];
      glyph.coverage.insert(glyph.coverage.end(), row, row + width[i]);
    }
  }
  const auto* step = data<std::int32_t>(step_array);
  for (std::size_t i = 0; i < racing::Glyphs::kCount; ++i) {
    for (std::size_t j = 0; j < racing::Glyphs::kCount; ++j, ++step) {
      if (*step < 0) throw py::value_error(text("steps[", i, ", ", j, "] is ", *step, "; expected a number >= 0"));
      glyphs.steps[i][j] = *step;
    }
  }
  return glyphs;
}

}  // namespace apexline::bindings
