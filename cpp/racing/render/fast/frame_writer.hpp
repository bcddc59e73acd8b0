// Converts the game's 96x96 image to a frame: crop, gray, area mean, tone curve and layout; see
// racing/render/frame_format.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "racing/render/fast/area_filter.hpp"
#include "racing/render/fast/kernels/raster_kernels.hpp"
#include "racing/render/frame_format.hpp"

namespace apexline::racing {

// Not thread-safe: it owns scratch memory. `write` does not allocate.
class FrameWriter {
 public:
  // Throws std::invalid_argument if the frame size does not fit. Precondition: no format.is_scaled_from_surface().
  FrameWriter(const FrameFormat& format, const RasterKernels& kernels);

  [[nodiscard]] const FrameFormat& format() const noexcept { return format_; }
  // Writes format().bytes() bytes.
  void write(const Planes& planes, std::uint8_t* out) noexcept;

 private:
  // A channel, with space for what kernels write behind it.
  using Channel = std::array<std::uint8_t, static_cast<std::size_t>(kSide) * kSide + AreaFilter::kOverrun>;

  void write_gray(const Planes& planes, std::uint8_t* out) noexcept;

  FrameFormat format_;
  const RasterKernels& kernels_;
  std::optional<AreaFilter> filter_;  // none if the frame has the size of the visible image
  Plane gray_{};
  std::array<Channel, 3> averaged_{};
};

}  // namespace apexline::racing
