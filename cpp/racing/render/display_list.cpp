#include "racing/render/display_list.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "racing/base/car_shape.hpp"

namespace apexline::racing {
namespace {

constexpr double kGrassSide = kPlayfield / 20.0;  // GRASS_DIM, units
constexpr double kMarkAngle = 1.2;                // angle of the light mark on a tyre, radians
constexpr double kWheelPixels = 27;               // WHEEL_R; the game multiplies by SIZE last
// Antialiasing paints at most one pixel beyond a corner; pixels.
constexpr double kMargin = 2;
// MAX_SHAPE_DIM, units: no polygon of grass, road or kerb is larger across. The game relies on it too.
constexpr double kLongest = kGrassSide * std::numbers::sqrt2;

class DisplayLister {
 public:
  DisplayLister(const Scene& scene, std::vector<DisplayPolygon>& polygons)
      : scene_(scene), camera_(scene), polygons_(polygons) {}

  void list_field() {
    constexpr double bounds = kPlayfield;
    add_world(Quad{{{bounds, bounds}, {bounds, -bounds}, {-bounds, -bounds}, {-bounds, bounds}}}, Ink::kField);
  }

  // The patches closer to the camera's centre than the surface's farthest corner.
  void list_grass() {
    const double reach = std::hypot(kSurfaceWidth / 2.0, kSurfaceHeight * 3 / 4.0) / camera_.zoom() + kGrassSide;
    const auto first = [&](double centre) {
      return std::max(-20.0, 2 * std::floor((centre - reach) / kGrassSide / 2));
    };
    const double last_x = std::min(18.0, (static_cast<double>(scene_.hull.x) + reach) / kGrassSide);
    const double last_y = std::min(18.0, (static_cast<double>(scene_.hull.y) + reach) / kGrassSide);
    for (double x = first(static_cast<double>(scene_.hull.x)); x <= last_x; x += 2)
      for (double y = first(static_cast<double>(scene_.hull.y)); y <= last_y; y += 2) {
        const double left = kGrassSide * x + 0, right = kGrassSide * x + kGrassSide;
        const double low = kGrassSide * y + 0, high = kGrassSide * y + kGrassSide;
        if (may_be_seen({left, low}))
          add_world(Quad{{{right, low}, {left, low}, {left, high}, {right, high}}}, Ink::kGrass);
      }
  }

  void list_road() {
    const Track& track = *scene_.track;
    auto kerb = track.kerbs.begin();
    for (std::size_t tile = 0; tile < track.tiles.size(); ++tile) {
      const auto shade = scene_.touched[tile] != 0 ? 0 : tile % 3;
      const auto ink = static_cast<Ink>(static_cast<std::size_t>(Ink::kRoad0) + shade);
      add_if_seen(track.tiles[tile], ink);
      for (; kerb != track.kerbs.end() && static_cast<std::size_t>(kerb->tile) == tile; ++kerb)
        add_if_seen(kerb->corners, kerb->is_white ? Ink::kWhite : Ink::kRed);
    }
  }

  void list_car() {
    for (const WheelState& wheel : scene_.wheels) {
      add_part(wheel.pose, kWheelCorners, Ink::kTyre);
      list_mark(wheel);
    }
    for (const std::span<const Vec2> part : kHullParts) add_part(scene_.hull, part, Ink::kHull);
  }

 private:
  DisplayPolygon& append(Ink ink, Brush brush) {
    DisplayPolygon& polygon = polygons_.emplace_back();
    polygon.ink = ink;
    polygon.brush = brush;
    return polygon;
  }

  // Whether a polygon with this corner can be visible.
  [[nodiscard]] bool may_be_seen(Point corner) const noexcept {
    const Point at = camera_.on_screen(corner);
    return at.x >= -reach_ && at.x <= kSurfaceWidth + reach_ && at.y >= kIndicatorHeight - reach_ &&
           at.y <= kSurfaceHeight + reach_;
  }

  // As pygame passes it to SDL_gfx: towards zero, in 16 bits. Polygons near the image do not need to_pixel's limits.
  static std::int16_t short_pixel(double coordinate) noexcept {
    return static_cast<std::int16_t>(static_cast<std::int32_t>(coordinate));
  }

  void add_corner(DisplayPolygon& polygon, Point world) const noexcept {
    const Point corner = camera_.on_screen(world);
    polygon.x[polygon.num_corners] = static_cast<std::int16_t>(to_pixel(corner.x));
    polygon.y[polygon.num_corners] = static_cast<std::int16_t>(to_pixel(corner.y));
    ++polygon.num_corners;
  }

  void add_world(const Quad& quad, Ink ink) {
    DisplayPolygon& polygon = append(ink, Brush::kSmooth);
    for (const Point& corner : quad) add_corner(polygon, corner);
  }

  void add_if_seen(const Quad& quad, Ink ink) {
    if (!may_be_seen(quad[0])) return;
    std::array<Point, 4> corners;
    for (std::size_t i = 0; i < 4; ++i) corners[i] = camera_.on_screen(quad[i]);
    const auto [left, right] = std::minmax({corners[0].x, corners[1].x, corners[2].x, corners[3].x});
    const auto [low, high] = std::minmax({corners[0].y, corners[1].y, corners[2].y, corners[3].y});
    if (right < -kMargin || left > kSurfaceWidth + kMargin) return;
    if (high < kIndicatorHeight - kMargin || low > kSurfaceHeight + kMargin) return;
    DisplayPolygon& polygon = append(ink, Brush::kSmooth);
    polygon.num_corners = 4;
    for (std::size_t i = 0; i < 4; ++i) {
      polygon.x[i] = short_pixel(corners[i].x);
      polygon.y[i] = short_pixel(corners[i].y);
    }
  }

  void add_part(const Pose& pose, std::span<const Vec2> corners, Ink ink) {
    DisplayPolygon& polygon = append(ink, Brush::kPlain);
    const Transform transform{{pose.x, pose.y}, pose.sine, pose.cosine};
    for (const Vec2 corner : corners) {
      const Vec2 world = apply(transform, corner);
      add_corner(polygon, {world.x, world.y});
    }
  }

  // The visible part of a tyre's light mark.
  void list_mark(const WheelState& wheel) {
    const double from = wheel.phase, to = wheel.phase + kMarkAngle;
    const double from_sine = std::sin(from), to_sine = std::sin(to);
    if (from_sine > 0 && to_sine > 0) return;
    const auto sign = [](double value) { return static_cast<double>((value > 0) - (value < 0)); };
    const double from_cosine = from_sine > 0 ? sign(std::cos(from)) : std::cos(from);
    const double to_cosine = to_sine > 0 ? sign(std::cos(to)) : std::cos(to);
    const auto half = static_cast<float>(kWheelHalfWidth);
    const auto start = static_cast<float>(kWheelPixels * from_cosine * kSize);
    const auto end = static_cast<float>(kWheelPixels * to_cosine * kSize);
    add_part(wheel.pose, std::array<Vec2, 4>{{{-half, start}, {half, start}, {half, end}, {-half, end}}},
             Ink::kTyreMark);
  }

  const Scene& scene_;
  const Camera camera_;
  const double reach_ = kLongest * camera_.zoom() + kMargin;  // pixels
  std::vector<DisplayPolygon>& polygons_;
};

}  // namespace

std::array<Rgb, kMaxInks> ink_colours(const Colours& colours) noexcept {
  std::array<Rgb, kMaxInks> inks{};
  const auto set = [&](Ink ink, Rgb colour) { inks[static_cast<std::size_t>(ink)] = colour; };
  set(Ink::kField, colours.background);
  set(Ink::kGrass, colours.grass);
  set(Ink::kRoad0, colours.road[0]);
  set(Ink::kRoad1, colours.road[1]);
  set(Ink::kRoad2, colours.road[2]);
  set(Ink::kWhite, {255, 255, 255});
  set(Ink::kRed, {255, 0, 0});
  set(Ink::kTyre, {0, 0, 0});
  set(Ink::kTyreMark, {77, 77, 77});
  set(Ink::kHull, {204, 0, 0});
  return inks;
}

bool fills_image(const DisplayPolygon& polygon) noexcept {
  constexpr std::array<std::array<std::int32_t, 2>, 4> corners{{{0, kIndicatorHeight},
                                                                {kSurfaceWidth - 1, kIndicatorHeight},
                                                                {kSurfaceWidth - 1, kSurfaceHeight - 1},
                                                                {0, kSurfaceHeight - 1}}};
  // Each corner of the image must be on the same side of every edge.
  bool on_left = true, on_right = true;
  for (std::size_t i = 0, j = polygon.num_corners - 1U; i < polygon.num_corners; j = i++)
    for (const auto& [x, y] : corners) {
      const std::int64_t dx = polygon.x[i] - polygon.x[j], dy = polygon.y[i] - polygon.y[j];
      const std::int64_t side = dx * (y - polygon.y[j]) - dy * (x - polygon.x[j]);
      on_left &= side > 0;
      on_right &= side < 0;
    }
  return on_left || on_right;
}

void list_polygons(const Scene& scene, std::vector<DisplayPolygon>& polygons) {
  polygons.clear();
  DisplayLister lister(scene, polygons);
  lister.list_field();
  lister.list_grass();
  lister.list_road();
  lister.list_car();
}

}  // namespace apexline::racing
