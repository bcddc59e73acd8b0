#include "apexline/replay/gather.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "check.hpp"

using namespace apexline;

namespace {

std::vector<std::byte> numbered_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 37 + 11);
  return bytes;
}

std::vector<std::byte> shifted_byte_by_byte(const FrameGeometry& g, const std::vector<std::byte>& source, Shift shift) {
  const auto height = static_cast<std::int64_t>(g.height);
  const auto width = static_cast<std::int64_t>(g.width);
  const auto item_bytes = static_cast<std::int64_t>(g.item_bytes);
  std::vector<std::byte> target;
  for (std::int64_t plane = 0; plane < static_cast<std::int64_t>(g.planes); ++plane)
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x)
        for (std::int64_t byte = 0; byte < item_bytes; ++byte) {
          const std::int64_t from_y = std::clamp<std::int64_t>(y + shift.down, 0, height - 1);
          const std::int64_t from_x = std::clamp<std::int64_t>(x + shift.right, 0, width - 1);
          const std::int64_t from = ((plane * height + from_y) * width + from_x) * item_bytes + byte;
          target.push_back(source[static_cast<std::size_t>(from)]);
        }
  return target;
}

}  // namespace

// Every shift up to and beyond the frame's own side, for every item size that NumPy has.
TEST(every_shift_equals_the_definition) {
  for (const std::size_t item_bytes : {1U, 2U, 4U, 8U})
    for (const auto& [planes, height, width] : {std::array<std::size_t, 3>{1, 4, 5}, {3, 5, 3}, {2, 1, 1}}) {
      const FrameGeometry geometry{planes, height, width, item_bytes};
      const std::vector<std::byte> source = numbered_bytes(geometry.bytes());
      for (int down = -6; down <= 6; ++down)
        for (int right = -6; right <= 6; ++right) {
          std::vector<std::byte> target(geometry.bytes());
          copy_shifted(geometry, source.data(), {down, right}, target.data());
          CHECK(target == shifted_byte_by_byte(geometry, source, {down, right}));
        }
    }
}
