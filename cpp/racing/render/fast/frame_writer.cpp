#include "racing/render/fast/frame_writer.hpp"

#include <algorithm>
#include <cstring>

namespace apexline::racing {

FrameWriter::FrameWriter(const FrameFormat& format, const RasterKernels& kernels) : format_(format), kernels_(kernels) {
  check_frame_size(format);
}

void FrameWriter::write(const Planes& planes, std::uint8_t* out) noexcept {
  const std::size_t left = format_.crop_hud ? FrameFormat::kCropLeft : 0;
  const auto side = static_cast<std::size_t>(format_.visible_side());
  const bool is_whole = format_.frame_size == FrameSize(format_.visible_side());
  if (format_.gray) {
    std::uint8_t* gray = is_whole ? out : gray_.data();
    kernels_.gray(planes, left, side, gray);
    if (!is_whole) write_channel(gray, side, out);
    if (format_.road_contrast)
      std::transform(out, out + format_.bytes(), out, [](std::uint8_t x) { return kRoadContrast[x]; });
    return;
  }
  const std::size_t area = format_.bytes() / 3;
  if (format_.channels_first) {
    for (std::size_t channel = 0; channel < 3; ++channel)
      write_channel(planes[channel].data() + left, kSide, out + channel * area);
  } else if (format_.frame_size == FrameSize(kSide)) {
    kernels_.interleave(planes[0].data(), planes[1].data(), planes[2].data(), area, out);
  } else {
    for (std::size_t channel = 0; channel < 3; ++channel)
      write_channel(planes[channel].data() + left, kSide, averaged_[channel].data());
    kernels_.interleave(averaged_[0].data(), averaged_[1].data(), averaged_[2].data(), area, out);
  }
}

void FrameWriter::write_channel(const std::uint8_t* visible, std::size_t stride, std::uint8_t* out) const noexcept {
  const auto side = static_cast<std::size_t>(format_.visible_side());
  if (format_.frame_size == FrameSize(format_.visible_side()))
    for (std::size_t row = 0; row < side; ++row) std::memcpy(out + row * side, visible + row * stride, side);
  else if (side % 2 == 0 && format_.frame_size == FrameSize(format_.visible_side() / 2))
    halve(visible, stride, out);
  else
    average(visible, stride, out);
}

void FrameWriter::halve(const std::uint8_t* visible, std::size_t stride, std::uint8_t* out) const noexcept {
  const auto size = static_cast<std::size_t>(format_.frame_size.width);
  for (std::size_t row = 0; row < size; ++row) {
    const std::uint8_t* high = visible + 2 * row * stride;
    const std::uint8_t* low = high + stride;
    for (std::size_t i = 0; i < size; ++i)
      *out++ = static_cast<std::uint8_t>((high[2 * i] + high[2 * i + 1] + low[2 * i] + low[2 * i + 1] + 2) / 4);
  }
}

// In 1/size of a pixel, output i covers i * side up to (i + 1) * side and pixel y covers y * size up to
// (y + 1) * size, with the frame's height or width as size.
void FrameWriter::average(const std::uint8_t* visible, std::size_t stride, std::uint8_t* out) const noexcept {
  const auto height = static_cast<std::uint32_t>(format_.frame_size.height);
  const auto width = static_cast<std::uint32_t>(format_.frame_size.width);
  const auto side = static_cast<std::uint32_t>(format_.visible_side());
  const auto covered = [&](std::uint32_t size, std::uint32_t cell, std::uint32_t pixel) {
    return std::min((cell + 1) * side, (pixel + 1) * size) - std::max(cell * side, pixel * size);
  };
  // Dividing by twice the area is multiplying by 2^40 over it, rounded up: exact for less than 2^40 / (2 * area).
  const std::uint32_t area = side * side;
  const std::uint64_t reciprocal = ((std::uint64_t{1} << 40) + 2 * area - 1) / (2 * area);
  // The weights of a column of pixels add up to `side`, and 255 * side fits into 16 bits.
  std::array<std::uint16_t, kSide> sums;
  for (std::uint32_t i = 0; i < height; ++i) {
    sums.fill(0);
    for (std::uint32_t y = i * side / height; y * height < (i + 1) * side; ++y) {
      const auto weight = static_cast<std::uint16_t>(covered(height, i, y));
      for (std::uint32_t x = 0; x < side; ++x)
        sums[x] = static_cast<std::uint16_t>(sums[x] + weight * visible[y * stride + x]);
    }
    // Pixel x ends in output k or beyond it.
    std::uint32_t sum = 0;
    for (std::uint32_t x = 0, k = 0; x < side; ++x) {
      sum += covered(width, k, x) * sums[x];
      if ((x + 1) * width < (k + 1) * side) continue;
      out[k] = static_cast<std::uint8_t>((2 * sum + area) * reciprocal >> 40);
      ++k;
      sum = (x + 1) * width > k * side ? covered(width, k, x) * sums[x] : 0;
    }
    out += width;
  }
}

}  // namespace apexline::racing
