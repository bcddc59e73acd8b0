#include "racing/render/fast/frame_writer.hpp"

#include <algorithm>
#include <cstring>

namespace apexline::racing {

FrameWriter::FrameWriter(const FrameFormat& format, const RasterKernels& kernels) : format_(format), kernels_(kernels) {
  check_frame_size(format);
  const int side = format.visible_side();
  const int left = format.crop_hud ? FrameFormat::kCropLeft : 0;
  if (format.frame_size != FrameSize(side)) filter_.emplace(side, left, format.frame_size, kernels.filter_window);
}

void FrameWriter::write(const Planes& planes, std::uint8_t* out) noexcept {
  if (format_.gray) return write_gray(planes, out);
  const std::size_t area = format_.bytes() / 3;
  const auto side = static_cast<std::size_t>(format_.visible_side());
  std::array<const std::uint8_t*, 3> channels{};
  for (std::size_t channel = 0; channel < 3; ++channel) {
    channels[channel] = averaged_[channel].data();
    if (filter_)
      kernels_.average(*filter_, planes[channel], averaged_[channel].data());
    else if (side == kSide)
      channels[channel] = planes[channel].data();
    else
      for (std::size_t row = 0; row < side; ++row)
        std::memcpy(averaged_[channel].data() + row * side,
                    planes[channel].data() + row * kSide + FrameFormat::kCropLeft, side);
  }
  if (format_.channels_first)
    for (std::size_t channel = 0; channel < 3; ++channel) std::memcpy(out + channel * area, channels[channel], area);
  else
    kernels_.interleave(channels[0], channels[1], channels[2], area, out);
}

void FrameWriter::write_gray(const Planes& planes, std::uint8_t* out) noexcept {
  const std::size_t left = format_.crop_hud ? FrameFormat::kCropLeft : 0;
  const auto side = static_cast<std::size_t>(format_.visible_side());
  if (filter_) {
    kernels_.gray(planes, 0, side, kSide, gray_.data());
    kernels_.average(*filter_, gray_, averaged_[0].data());
    std::memcpy(out, averaged_[0].data(), format_.bytes());
  } else {
    kernels_.gray(planes, left, side, side, out);
  }
  if (format_.road_contrast)
    std::transform(out, out + format_.bytes(), out, [](std::uint8_t x) { return kRoadContrast[x]; });
}

}  // namespace apexline::racing
