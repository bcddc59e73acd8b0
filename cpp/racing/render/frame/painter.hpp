// Draws observations of any format, each with the renderer for its size.
#pragma once

#include <cstdint>
#include <memory>

#include "racing/base/scene.hpp"
#include "racing/render/exact/exact_painter.hpp"
#include "racing/render/fast/fast_painter.hpp"
#include "racing/render/frame_format.hpp"
#include "racing/render/glyphs.hpp"

namespace apexline::racing {

// Not thread-safe: it owns scratch memory, 200 KB for frames up to 96x96, else 4 to 8 MB. A frame depends on its scene
// only.
class Painter {
 public:
  // Throws std::invalid_argument if the format or the glyphs are invalid.
  Painter(const FrameFormat& format, const Glyphs& glyphs);

  [[nodiscard]] const FrameFormat& format() const noexcept { return format_; }
  // Writes format().bytes() bytes. May allocate.
  void draw(const Scene& scene, std::uint8_t* out) {
    if (fast_ != nullptr)
      fast_->draw(scene, out);
    else
      exact_->draw(scene, out);
  }

 private:
  FrameFormat format_;
  std::unique_ptr<FastPainter> fast_;    // one of the two
  std::unique_ptr<ExactPainter> exact_;
};

}  // namespace apexline::racing
