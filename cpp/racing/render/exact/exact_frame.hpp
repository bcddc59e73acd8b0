// The image of the game for people: CarRacing's surface of 1000x800 pixels, skid marks included, equal to the stock
// game's in every pixel if libm and the glyphs are the same.
//
// SmoothScaler scales it to what render() returns: 600x400 in render mode "rgb_array", 96x96 in "state_pixels". An image
// takes milliseconds; the observations for training are drawn by the fast renderer.
#pragma once

#include <span>

#include "racing/base/scene.hpp"
#include "racing/render/exact/canvas.hpp"
#include "racing/render/glyphs.hpp"

namespace apexline::racing {

// `skid_marks`, oldest first; the stock game draws none in render mode "state_pixels". Precondition: the canvas has
// 1000x800 pixels.
void draw_exact_frame(Canvas& canvas, const Scene& scene, std::span<const SkidMark> skid_marks, const Glyphs& glyphs);

}  // namespace apexline::racing
