#include "apexline/replay/gather.hpp"

#include <algorithm>
#include <cstring>

namespace apexline {
namespace {

std::byte* repeat(const std::byte* item, std::size_t item_bytes, std::size_t count, std::byte* target) noexcept {
  if (item_bytes == 1) {
    std::memset(target, static_cast<int>(*item), count);
    return target + count;
  }
  for (std::size_t i = 0; i < count; ++i) target = std::copy_n(item, item_bytes, target);
  return target;
}

}  // namespace

void copy_shifted(const FrameGeometry& geometry, const std::byte* source, Shift shift,
                  std::byte* target) noexcept {
  if (shift.down == 0 && shift.right == 0) {
    std::memcpy(target, source, geometry.bytes());
    return;
  }
  const auto height = static_cast<std::ptrdiff_t>(geometry.height);
  const auto width = static_cast<std::ptrdiff_t>(geometry.width);
  const std::size_t row_bytes = geometry.width * geometry.item_bytes;
  const auto left = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(-shift.right, 0, width));
  const auto right = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(shift.right, 0, width));
  const std::size_t middle = geometry.width - left - right;

  for (std::size_t plane = 0; plane < geometry.planes; ++plane) {
    for (std::ptrdiff_t y = 0; y < height; ++y) {
      const auto from = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(y + shift.down, 0, height - 1));
      const std::byte* row = source + from * row_bytes;
      target = repeat(row, geometry.item_bytes, left, target);
      std::memcpy(target, row + right * geometry.item_bytes, middle * geometry.item_bytes);
      target += middle * geometry.item_bytes;
      target = repeat(row + row_bytes - geometry.item_bytes, geometry.item_bytes, right, target);
    }
    source += geometry.height * row_bytes;
  }
}

}  // namespace apexline
