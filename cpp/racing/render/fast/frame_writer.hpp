// Converts the game's 96x96 image to a frame: crop, gray, area mean, tone curve and layout; see
// racing/render/frame_format.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

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
  using Square = std::array<std::uint8_t, static_cast<std::size_t>(kSide) * kSide>;

  // Writes one channel, whose rows are `stride` bytes apart, as height x width bytes.
  void write_channel(const std::uint8_t* visible, std::size_t stride, std::uint8_t* out) const noexcept;
  void halve(const std::uint8_t* visible, std::size_t stride, std::uint8_t* out) const noexcept;
  void average(const std::uint8_t* visible, std::size_t stride, std::uint8_t* out) const noexcept;

  FrameFormat format_;
  const RasterKernels& kernels_;
  Square gray_{};
  std::array<Square, 3> averaged_{};
};

}  // namespace apexline::racing
