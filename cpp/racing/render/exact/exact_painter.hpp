// Draws observations larger than 96x96: the game's 1000x800 surface without skid marks, scaled as the game scales it.
// Equal to the stock game in every pixel if libm and the glyphs are the same; a frame takes milliseconds.
#pragma once

#include <cstdint>
#include <vector>

#include "racing/base/scene.hpp"
#include "racing/render/exact/canvas.hpp"
#include "racing/render/exact/smoothscale_canvas.hpp"
#include "racing/render/frame_format.hpp"
#include "racing/render/glyphs.hpp"

namespace apexline::racing {

// Not thread-safe: it owns 4 to 8 MB of scratch memory. A frame depends on its scene only.
class ExactPainter {
 public:
  // Throws std::invalid_argument unless each side of the frame is from 1/256 of the surface's side to all of it.
  // Precondition: no crop_hud.
  ExactPainter(const FrameFormat& format, Glyphs glyphs);

  [[nodiscard]] const FrameFormat& format() const noexcept { return format_; }
  // Writes format().bytes() bytes.
  void draw(const Scene& scene, std::uint8_t* out);

 private:
  FrameFormat format_;
  Glyphs glyphs_;
  Canvas canvas_;
  SmoothScaler scaler_;
  std::vector<std::uint8_t> image_;  // (height, width, 3); empty if the frame is that image
};

}  // namespace apexline::racing
