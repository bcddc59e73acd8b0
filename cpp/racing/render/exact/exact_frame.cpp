#include "racing/render/exact/exact_frame.hpp"

#include <array>
#include <cassert>
#include <cstddef>

#include "racing/render/camera.hpp"
#include "racing/render/display_list.hpp"
#include "racing/render/exact/draw_indicators.hpp"
#include "racing/render/exact/pygame_draw.hpp"

namespace apexline::racing {
namespace {

constexpr Rgb kRoadMarks{0, 0, 0};    // WHEEL_COLOR
constexpr Rgb kMudMarks{102, 102, 0};  // MUD_COLOR

void draw_polygon(Canvas& canvas, const DisplayPolygon& polygon, Rgb colour) {
  std::array<PixelPoint, DisplayPolygon::kMaxCorners> corners;
  for (std::size_t i = 0; i < polygon.num_corners; ++i) corners[i] = {polygon.x[i], polygon.y[i]};
  const std::span<const PixelPoint> points(corners.data(), polygon.num_corners);
  if (polygon.brush == Brush::kPlain) return draw::fill_polygon(canvas, points, colour);
  gfx::outline_polygon(canvas, points, colour);
  gfx::fill_polygon(canvas, points, colour);
}

void draw_skid_marks(Canvas& canvas, const Scene& scene, std::span<const SkidMark> marks) {
  const Camera camera(scene);
  std::vector<PixelPoint> points;
  for (const SkidMark& mark : marks) {
    points.clear();
    for (const Point point : mark.points) points.push_back(pixel_at(camera.on_screen(point)));
    draw::lines(canvas, points, mark.on_grass ? kMudMarks : kRoadMarks);
  }
}

}  // namespace

void draw_exact_frame(Canvas& canvas, const Scene& scene, std::span<const SkidMark> skid_marks, const Glyphs& glyphs) {
  assert(canvas.width() == kSurfaceWidth && canvas.height() == kSurfaceHeight);
  std::vector<DisplayPolygon> polygons;
  list_polygons(scene, polygons);
  const auto inks = ink_colours(scene.colours);

  canvas.clear();
  bool is_road_done = false;
  for (const DisplayPolygon& polygon : polygons) {
    // The marks lie below the car, whose parts are the only ones with the plain brush.
    if (!is_road_done && polygon.brush == Brush::kPlain) {
      draw_skid_marks(canvas, scene, skid_marks);
      is_road_done = true;
    }
    draw_polygon(canvas, polygon, inks[static_cast<std::size_t>(polygon.ink)]);
  }
  canvas.flip();
  draw_indicators(canvas, scene, glyphs);
}

}  // namespace apexline::racing
