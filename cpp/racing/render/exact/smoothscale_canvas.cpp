#include "racing/render/exact/smoothscale_canvas.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>

#include "support/errors.hpp"

namespace apexline::racing {
namespace {

constexpr std::size_t kChannels = 3;

ScaledSide checked(int from, int to, const char* name) {
  if (to < 1 || to > from || from > 256 * to)
    throw std::invalid_argument(text(name, " is ", to, "; expected from ", (from + 255) / 256, " to ", from));
  return {from, to};
}

std::vector<ScaleCell> cells_of(const ScaledSide& side) {
  std::vector<ScaleCell> cells(static_cast<std::size_t>(side.to));
  list_cells(side, cells);
  return cells;
}

}  // namespace

SmoothScaler::SmoothScaler(int from_width, int from_height, int to_width, int to_height)
    : width_(checked(from_width, to_width, "width")),
      height_(checked(from_height, to_height, "height")),
      columns_(cells_of(width_)),
      rows_(cells_of(height_)),
      narrow_(static_cast<std::size_t>(from_height) * static_cast<std::size_t>(to_width) * kChannels) {}

void SmoothScaler::scale_rows(const Canvas& canvas) {
  std::uint8_t* out = narrow_.data();
  for (int y = 0; y < height_.from; ++y) {
    const std::uint32_t* row = canvas.row(y);
    for (const ScaleCell& cell : columns_) {
      std::array<std::uint32_t, kChannels> sums{};
      const auto add = [&](std::int32_t x, std::int32_t weight) {
        const std::array<std::uint32_t, kChannels> pixel{row[x] & 255, row[x] >> 8 & 255, row[x] >> 16};
        for (std::size_t c = 0; c < kChannels; ++c) sums[c] += weighted(pixel[c], weight);
      };
      if (cell.carry >= 0) add(cell.carry, cell.carry_weight);
      for (std::int32_t x = cell.carry + 1; x < cell.end; ++x) add(x, kWholePixel);
      add(cell.end, cell.end_weight);
      for (const std::uint32_t sum : sums) *out++ = width_.mean(sum);
    }
  }
}

void SmoothScaler::scale_columns(std::uint8_t* rgb) {
  const std::size_t length = columns_.size() * kChannels;
  std::vector<std::uint32_t> sums(length);
  for (const ScaleCell& cell : rows_) {
    const auto add = [&](std::int32_t y, std::int32_t weight) {
      const std::uint8_t* row = narrow_.data() + static_cast<std::size_t>(y) * length;
      for (std::size_t i = 0; i < length; ++i) sums[i] += weighted(row[i], weight);
    };
    std::ranges::fill(sums, 0);
    if (cell.carry >= 0) add(cell.carry, cell.carry_weight);
    for (std::int32_t y = cell.carry + 1; y < cell.end; ++y) add(y, kWholePixel);
    add(cell.end, cell.end_weight);
    for (const std::uint32_t sum : sums) *rgb++ = height_.mean(sum);
  }
}

void SmoothScaler::scale(const Canvas& canvas, std::uint8_t* rgb) {
  if (width_.from == width_.to && height_.from == height_.to) return canvas.copy_to(rgb);
  scale_rows(canvas);
  scale_columns(rgb);
}

}  // namespace apexline::racing
