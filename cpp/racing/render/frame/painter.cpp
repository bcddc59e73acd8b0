#include "racing/render/frame/painter.hpp"

namespace apexline::racing {

Painter::Painter(const FrameFormat& format, const Glyphs& glyphs) : format_(format) {
  check_frame_size(format);
  if (format.is_scaled_from_surface())
    exact_ = std::make_unique<ExactPainter>(format, glyphs);
  else
    fast_ = std::make_unique<FastPainter>(format, glyphs);
}

}  // namespace apexline::racing
