// Converts the game's 96x96 image to a frame: crop, gray, area mean, tone curve and layout. The reference is the wrappers
// in python/apexline/racing/stock/wrappers/, byte for byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "racing/render/fast/kernels/raster_kernels.hpp"

namespace apexline::racing {

struct FrameFormat {
  static constexpr int kCroppedSide = 84;  // rows 0:84 and columns 6:90
  static constexpr int kCropLeft = 6;

  bool crop_hud = false;  // 84x84 pixels without the indicators instead of 96x96
  bool gray = false;  // (299 R + 587 G + 114 B + 500) / 1000, without a channel axis
  int frame_size = kSide;  // pixels a side after an area mean, 1 to visible_side()
  bool channels_first = false;  // colours as (3, frame_size, frame_size) instead of (frame_size, frame_size, 3)
  bool road_contrast = false;  // gray values are mapped by kRoadContrast

  [[nodiscard]] int visible_side() const noexcept { return crop_hud ? kCroppedSide : kSide; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(frame_size) * static_cast<std::size_t>(frame_size) * (gray ? 1 : 3);
  }
};

// A tone curve: straight lines through (0, 0), (96, 58), (108, 178), (255, 255), rounded to nearest, ties up. It
// multiplies the distances between the shades of the road, 100 to 105, by ten.
[[nodiscard]] constexpr std::array<std::uint8_t, 256> make_road_contrast() noexcept {
  std::array<std::uint8_t, 256> curve{};
  for (int x = 0; x < 256; ++x) {
    const int y = x <= 96 ? (58 * x + 48) / 96 : x <= 108 ? 58 + 10 * (x - 96) : 178 + (77 * (x - 108) + 73) / 147;
    curve[static_cast<std::size_t>(x)] = static_cast<std::uint8_t>(y);
  }
  return curve;
}
inline constexpr std::array<std::uint8_t, 256> kRoadContrast = make_road_contrast();

// Not thread-safe: it owns scratch memory. `write` does not allocate.
class FrameWriter {
 public:
  // Throws std::invalid_argument unless 1 <= frame_size <= visible_side().
  FrameWriter(const FrameFormat& format, const RasterKernels& kernels);

  [[nodiscard]] const FrameFormat& format() const noexcept { return format_; }
  // Writes format().bytes() bytes.
  void write(const Planes& planes, std::uint8_t* out) noexcept;

 private:
  using Square = std::array<std::uint8_t, static_cast<std::size_t>(kSide) * kSide>;

  // Writes one channel, whose rows are `stride` bytes apart, as frame_size x frame_size bytes.
  void write_channel(const std::uint8_t* visible, std::size_t stride, std::uint8_t* out) const noexcept;
  void halve(const std::uint8_t* visible, std::size_t stride, std::uint8_t* out) const noexcept;
  void average(const std::uint8_t* visible, std::size_t stride, std::uint8_t* out) const noexcept;

  FrameFormat format_;
  const RasterKernels& kernels_;
  Square gray_{};
  std::array<Square, 3> averaged_{};
};

}  // namespace apexline::racing
