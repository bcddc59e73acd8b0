#include "racing/render/exact/exact_painter.hpp"

#include <cstddef>
#include <utility>

#include "racing/render/camera.hpp"
#include "racing/render/exact/exact_frame.hpp"

namespace apexline::racing {

ExactPainter::ExactPainter(const FrameFormat& format, Glyphs glyphs)
    : format_(format),
      glyphs_(std::move(glyphs)),
      canvas_(kSurfaceWidth, kSurfaceHeight),
      scaler_(kSurfaceWidth, kSurfaceHeight, format.frame_size.width, format.frame_size.height) {
  const FrameShape shape = format.shape();
  if (format.gray || shape.channel_axis == 0)
    image_.resize(shape.bytes() / static_cast<std::size_t>(shape.channels) * 3);
}

void ExactPainter::draw(const Scene& scene, std::uint8_t* out) {
  draw_exact_frame(canvas_, scene, {}, glyphs_);
  scaler_.scale(canvas_, image_.empty() ? out : image_.data());
  const std::size_t area = image_.size() / 3;
  for (std::size_t i = 0; i < area; ++i) {
    const std::uint8_t* const pixel = image_.data() + 3 * i;
    if (format_.gray) {
      const auto gray = static_cast<std::uint8_t>((299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] + 500) / 1000);
      out[i] = format_.road_contrast ? kRoadContrast[gray] : gray;
    } else {
      for (std::size_t channel = 0; channel < 3; ++channel) out[channel * area + i] = pixel[channel];
    }
  }
}

}  // namespace apexline::racing
