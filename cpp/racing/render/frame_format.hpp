// The format of an observation. The reference is the wrappers in python/apexline/racing/stock/wrappers/, byte for byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "racing/render/camera.hpp"

namespace apexline::racing {

// Pixels.
struct FrameSize {
  // A square.
  constexpr FrameSize(int side) noexcept : height(side), width(side) {}  // NOLINT(google-explicit-constructor)
  constexpr FrameSize(int rows, int columns) noexcept : height(rows), width(columns) {}
  friend constexpr bool operator==(const FrameSize&, const FrameSize&) noexcept = default;

  int height;
  int width;
};

// The axes of a frame.
struct FrameShape {
  static constexpr int kNoAxis = -1;

  int height;
  int width;
  int channels;  // 3, or 1 for gray
  int channel_axis;  // 0: (channels, height, width); 2: (height, width, channels); kNoAxis: (height, width)

  [[nodiscard]] std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  }
  // The extents of the two or three axes in order.
  [[nodiscard]] std::vector<std::ptrdiff_t> extents() const {
    if (channel_axis == kNoAxis) return {height, width};
    if (channel_axis == 0) return {channels, height, width};
    return {height, width, channels};
  }
};

struct FrameFormat {
  static constexpr int kCroppedSide = 84;  // rows 0:84 and columns 6:90
  static constexpr int kCropLeft = 6;
  static constexpr FrameSize kLargest{kSurfaceHeight, kSurfaceWidth};
  static constexpr FrameSize kSmallestScaled{4, 4};  // smoothscale's limit of 1/256 of the surface, rounded up

  bool crop_hud = false;  // 84x84 pixels without the indicators instead of 96x96
  bool gray = false;  // one channel, (299 R + 587 G + 114 B + 500) / 1000
  // Up to visible_side(): the area mean of the 96x96 or 84x84 image. If a side is above 96: the surface scaled as the
  // game scales it, up to kLargest.
  FrameSize frame_size = kSide;
  bool channels_first = false;  // the channel axis is the first one instead of the last
  bool road_contrast = false;  // gray values are mapped by kRoadContrast
  bool keep_dim = false;  // gray frames have a channel axis

  [[nodiscard]] constexpr int visible_side() const noexcept { return crop_hud ? kCroppedSide : kSide; }
  // Whether frames are scaled from the surface, not from the 96x96 image.
  [[nodiscard]] constexpr bool is_scaled_from_surface() const noexcept {
    return frame_size.height > kSide || frame_size.width > kSide;
  }
  [[nodiscard]] constexpr FrameShape shape() const noexcept {
    const int axis = gray && !keep_dim ? FrameShape::kNoAxis : channels_first ? 0 : 2;
    return {frame_size.height, frame_size.width, gray ? 1 : 3, axis};
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return shape().bytes(); }
};

// Throws std::invalid_argument unless the frame size fits the other fields.
void check_frame_size(const FrameFormat& format);

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

}  // namespace apexline::racing
