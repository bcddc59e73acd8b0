#include "apexline/racing/portrait.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "apexline/racing/camera.hpp"
#include "apexline/racing/car_look.hpp"
#include "apexline/racing/indicators.hpp"
#include "apexline/racing/polygons.hpp"

namespace apexline::racing {
namespace {

constexpr double kGrassSide = kPlayfield / 20;  // GRASS_DIM, units
constexpr Rgb kRed{255, 0, 0};
constexpr Rgb kWhite{255, 255, 255};
constexpr Rgb kMud{102, 102, 0};  // MUD_COLOR

// MAX_SHAPE_DIM, pixels: a shape is drawn where any corner is not farther than this from the window. The widest shape
// is a patch of grass.
constexpr double kReach = kGrassSide * std::numbers::sqrt2 * kZoom * kScale;

bool may_be_seen(const Quad& corners) noexcept {
  return std::any_of(corners.begin(), corners.end(), [](Point corner) {
    return -kReach <= corner.x && corner.x <= kWindowWidth + kReach && -kReach <= corner.y &&
           corner.y <= kWindowHeight + kReach;
  });
}

class Painter {
 public:
  Painter(Canvas& canvas, const Scene& scene) : canvas_(canvas), scene_(scene), camera_(scene) {}

  void field() {
    const double side = kPlayfield;
    quad({{{side, side}, {side, -side}, {-side, -side}, {-side, side}}}, scene_.colours.background, true);
  }

  // Every second square in every second row.
  void grass() {
    for (int column = -20; column < 20; column += 2) {
      for (int row = -20; row < 20; row += 2) {
        const double left = kGrassSide * column;
        const double below = kGrassSide * row;
        const double right = left + kGrassSide;
        const double above = below + kGrassSide;
        quad({{{right, below}, {left, below}, {left, above}, {right, above}}}, scene_.colours.grass);
      }
    }
  }

  void road() {
    const Track& track = *scene_.track;
    auto kerb = track.kerbs.begin();
    for (std::int32_t tile = 0; tile < track.num_tiles(); ++tile) {
      const auto place = static_cast<std::size_t>(tile);
      const std::size_t shade = scene_.touched[place] != 0 ? 0 : place % 3;
      quad(track.tiles[place], scene_.colours.road[shade]);
      for (; kerb != track.kerbs.end() && kerb->tile == tile; ++kerb)
        quad(kerb->corners, kerb->is_white ? kWhite : kRed);
    }
  }

  void skid_marks(std::span<const SkidMark> marks) {
    for (const SkidMark& mark : marks) {
      points_.clear();
      for (const Point point : mark.points) points_.push_back(pixel_at(camera_.on_screen(point)));
      draw::lines(canvas_, points_, mark.on_grass ? kMud : kWheelColour);
    }
  }

  void wheel(const WheelLook& wheel) {
    body(wheel.pose, kWheelOutline, kWheelColour);
    // A mark on the tyre, 1.2 radians long; where it goes below the wheel it is cut off at the rim.
    const double first = wheel.phase;
    const double last = wheel.phase + 1.2;
    const bool is_first_below = std::sin(first) > 0;
    const bool is_last_below = std::sin(last) > 0;
    if (is_first_below && is_last_below) return;
    const auto height = [](double angle, bool is_below) {
      const double cosine = std::cos(angle);
      return is_below && cosine != 0 ? std::copysign(1.0, cosine) : cosine;
    };
    const double from = kWheelRadius * height(first, is_first_below);
    const double to = kWheelRadius * height(last, is_last_below);
    const std::array<BodyPoint, 4> mark{body_point(-kWheelHalfWidth, from), body_point(kWheelHalfWidth, from),
                                        body_point(kWheelHalfWidth, to), body_point(-kWheelHalfWidth, to)};
    body(wheel.pose, mark, kWheelMarkColour);
  }

  void hull() {
    for (const auto part : kHullParts) body(scene_.hull, part, kHullColour);
  }

 private:
  void quad(const Quad& corners, Rgb colour, bool always = false) {
    Quad seen;
    std::transform(corners.begin(), corners.end(), seen.begin(), [&](Point p) { return camera_.on_screen(p); });
    if (!always && !may_be_seen(seen)) return;
    std::array<PixelPoint, 4> pixels;
    std::transform(seen.begin(), seen.end(), pixels.begin(), &pixel_at);
    gfx::outline_polygon(canvas_, pixels, colour);
    gfx::fill_polygon(canvas_, pixels, colour);
  }

  void body(const Pose& pose, std::span<const BodyPoint> outline, Rgb colour) {
    points_.clear();
    for (const BodyPoint point : outline) points_.push_back(pixel_at(camera_.on_screen(in_world(pose, point))));
    draw::fill_polygon(canvas_, points_, colour);
  }

  Canvas& canvas_;
  const Scene& scene_;
  Camera camera_;
  std::vector<PixelPoint> points_;
};

}  // namespace

void draw_portrait(Canvas& canvas, const Scene& scene, std::span<const SkidMark> skid_marks, const Glyphs& glyphs) {
  assert(canvas.width() == kWindowWidth && canvas.height() == kWindowHeight);
  canvas.clear();
  Painter painter(canvas, scene);
  painter.field();
  painter.grass();
  painter.road();
  painter.skid_marks(skid_marks);
  for (const WheelLook& wheel : scene.wheels) painter.wheel(wheel);
  painter.hull();
  canvas.flip();
  draw_indicators(canvas, scene, glyphs);
}

}  // namespace apexline::racing
