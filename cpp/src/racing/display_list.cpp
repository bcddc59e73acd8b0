#include "apexline/racing/display_list.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

namespace apexline::racing {
namespace {

constexpr double kGrassSide = kPlayfield / 20.0;  // GRASS_DIM, units
constexpr double kSize = 0.02;                    // SIZE: units that a unit of the car's drawing measures
constexpr double kWheelRadius = 27;               // WHEEL_R, of the car's drawing
constexpr double kWheelHalfWidth = 14;            // WHEEL_W, of the car's drawing
constexpr double kMarkAngle = 1.2;                // of the tyre that the light mark covers, radians
constexpr double kQuarterTurn = kPi / 2;
constexpr double kVectorEpsilon = 1e-6;  // pygame.math.Vector2.epsilon, radians
// Antialiasing paints at most one pixel beyond a corner's own.
constexpr double kMargin = 2;  // pixels
// No polygon of grass, road or kerb is longer across: MAX_SHAPE_DIM, in units. The game relies on it as well.
constexpr double kLongest = kGrassSide * std::numbers::sqrt2;

struct FloatPoint {
  float x;
  float y;
};

constexpr float sized(double length) { return static_cast<float>(length * kSize); }

// The corners as Box2D orders them: its gift wrapping starts at the lowest of the rightmost and goes left round.
constexpr std::array<FloatPoint, 4> kFrontWing{
    {{sized(60), sized(110)}, {sized(60), sized(130)}, {sized(-60), sized(130)}, {sized(-60), sized(110)}}};
constexpr std::array<FloatPoint, 4> kNose{
    {{sized(20), sized(20)}, {sized(15), sized(120)}, {sized(-15), sized(120)}, {sized(-20), sized(20)}}};
constexpr std::array<FloatPoint, 8> kBody{{{sized(50), sized(-40)},
                                           {sized(50), sized(-10)},
                                           {sized(25), sized(20)},
                                           {sized(-25), sized(20)},
                                           {sized(-50), sized(-10)},
                                           {sized(-50), sized(-40)},
                                           {sized(-20), sized(-90)},
                                           {sized(20), sized(-90)}}};
constexpr std::array<FloatPoint, 4> kRearWing{
    {{sized(50), sized(-120)}, {sized(50), sized(-90)}, {sized(-50), sized(-90)}, {sized(-50), sized(-120)}}};
constexpr std::array<FloatPoint, 4> kTyre{{{sized(kWheelHalfWidth), sized(-kWheelRadius)},
                                           {sized(kWheelHalfWidth), sized(kWheelRadius)},
                                           {sized(-kWheelHalfWidth), sized(kWheelRadius)},
                                           {sized(-kWheelHalfWidth), sized(-kWheelRadius)}}};

class Camera {
 public:
  explicit Camera(const Scene& scene) {
    // Vector2.rotate_rad: whole quarter turns are exact.
    constexpr double two_pi = 2 * kPi;
    double angle = std::fmod(-static_cast<double>(scene.hull.angle), two_pi);
    if (angle < 0) angle += two_pi;
    if (std::fmod(angle + kVectorEpsilon, kQuarterTurn) < 2 * kVectorEpsilon) {
      constexpr std::array<double, 4> quarters{1, 0, -1, 0};
      const auto turn = static_cast<std::size_t>((angle + kVectorEpsilon) / kQuarterTurn);
      cosine_ = quarters[turn % 4];
      sine_ = quarters[(turn + 3) % 4];
    } else {
      sine_ = std::sin(angle);
      cosine_ = std::cos(angle);
    }
    const double t = scene.seconds;
    zoom_ = 0.1 * kScale * std::max(1 - t, 0.0) + kZoom * kScale * std::min(t, 1.0);
    const double scroll_x = -static_cast<double>(scene.hull.x) * zoom_;
    const double scroll_y = -static_cast<double>(scene.hull.y) * zoom_;
    shift_x_ = kSurfaceWidth / 2.0 + (cosine_ * scroll_x - sine_ * scroll_y);
    shift_y_ = kSurfaceHeight / 4.0 + (sine_ * scroll_x + cosine_ * scroll_y);
  }

  [[nodiscard]] double zoom() const noexcept { return zoom_; }

  [[nodiscard]] Point project(Point world) const noexcept {
    return {(cosine_ * world.x - sine_ * world.y) * zoom_ + shift_x_,
            (sine_ * world.x + cosine_ * world.y) * zoom_ + shift_y_};
  }

 private:
  double cosine_ = 1;
  double sine_ = 0;
  double zoom_ = 1;
  double shift_x_ = 0;
  double shift_y_ = 0;
};

class Lister {
 public:
  Lister(const Scene& scene, std::vector<Polygon>& polygons) : scene_(scene), camera_(scene), polygons_(polygons) {}

  void list_field() {
    constexpr double bounds = kPlayfield;
    add_world(Quad{{{bounds, bounds}, {bounds, -bounds}, {-bounds, -bounds}, {-bounds, bounds}}}, Ink::kField);
  }

  // Patches that are near the camera's centre; all others are as far from it as the surface's farthest corner.
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
    for (const WheelLook& wheel : scene_.wheels) {
      add_part(wheel.pose, kTyre, Ink::kTyre);
      list_mark(wheel);
    }
    add_part(scene_.hull, kRearWing, Ink::kHull);
    add_part(scene_.hull, kBody, Ink::kHull);
    add_part(scene_.hull, kNose, Ink::kHull);
    add_part(scene_.hull, kFrontWing, Ink::kHull);
  }

 private:
  Polygon& append(Ink ink, Brush brush) {
    Polygon& polygon = polygons_.emplace_back();
    polygon.ink = ink;
    polygon.brush = brush;
    return polygon;
  }

  // Whether a polygon with this corner can reach what is seen.
  [[nodiscard]] bool may_be_seen(Point corner) const noexcept {
    const Point at = camera_.project(corner);
    return at.x >= -reach_ && at.x <= kSurfaceWidth + reach_ && at.y >= kIndicatorHeight - reach_ &&
           at.y <= kSurfaceHeight + reach_;
  }

  // int() and then SDL's Sint16.
  static std::int16_t truncated(double coordinate) noexcept {
    return static_cast<std::int16_t>(static_cast<std::int32_t>(coordinate));
  }

  void add_corner(Polygon& polygon, Point world) const noexcept {
    const Point corner = camera_.project(world);
    polygon.x[polygon.num_corners] = truncated(corner.x);
    polygon.y[polygon.num_corners] = truncated(corner.y);
    ++polygon.num_corners;
  }

  void add_world(const Quad& quad, Ink ink) {
    Polygon& polygon = append(ink, Brush::kSmooth);
    for (const Point& corner : quad) add_corner(polygon, corner);
  }

  void add_if_seen(const Quad& quad, Ink ink) {
    if (!may_be_seen(quad[0])) return;
    std::array<Point, 4> corners;
    for (std::size_t i = 0; i < 4; ++i) corners[i] = camera_.project(quad[i]);
    const auto [left, right] = std::minmax({corners[0].x, corners[1].x, corners[2].x, corners[3].x});
    const auto [low, high] = std::minmax({corners[0].y, corners[1].y, corners[2].y, corners[3].y});
    if (right < -kMargin || left > kSurfaceWidth + kMargin) return;
    if (high < kIndicatorHeight - kMargin || low > kSurfaceHeight + kMargin) return;
    Polygon& polygon = append(ink, Brush::kSmooth);
    polygon.num_corners = 4;
    for (std::size_t i = 0; i < 4; ++i) {
      polygon.x[i] = truncated(corners[i].x);
      polygon.y[i] = truncated(corners[i].y);
    }
  }

  void add_part(const Pose& pose, std::span<const FloatPoint> corners, Ink ink) {
    Polygon& polygon = append(ink, Brush::kPlain);
    for (const FloatPoint& corner : corners) {
      // b2Mul(b2Transform, b2Vec2), in float32
      const float x = (pose.cosine * corner.x - pose.sine * corner.y) + pose.x;
      const float y = (pose.sine * corner.x + pose.cosine * corner.y) + pose.y;
      add_corner(polygon, {static_cast<double>(x), static_cast<double>(y)});
    }
  }

  // The part of a tyre's light mark that faces up.
  void list_mark(const WheelLook& wheel) {
    const double from = wheel.phase, to = wheel.phase + kMarkAngle;
    const double from_sine = std::sin(from), to_sine = std::sin(to);
    if (from_sine > 0 && to_sine > 0) return;
    const auto sign = [](double value) { return static_cast<double>((value > 0) - (value < 0)); };
    const double from_cosine = from_sine > 0 ? sign(std::cos(from)) : std::cos(from);
    const double to_cosine = to_sine > 0 ? sign(std::cos(to)) : std::cos(to);
    const auto half = sized(kWheelHalfWidth);
    const auto start = static_cast<float>(kWheelRadius * from_cosine * kSize);
    const auto end = static_cast<float>(kWheelRadius * to_cosine * kSize);
    add_part(wheel.pose, std::array<FloatPoint, 4>{{{-half, start}, {half, start}, {half, end}, {-half, end}}},
             Ink::kTyreMark);
  }

  const Scene& scene_;
  const Camera camera_;
  const double reach_ = kLongest * camera_.zoom() + kMargin;  // pixels
  std::vector<Polygon>& polygons_;
};

}  // namespace

std::array<Rgb, kPaletteSize> palette(const Colours& colours) noexcept {
  std::array<Rgb, kPaletteSize> inks{};
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

bool fills_picture(const Polygon& polygon) noexcept {
  constexpr std::array<std::array<std::int32_t, 2>, 4> corners{{{0, kIndicatorHeight},
                                                                {kSurfaceWidth - 1, kIndicatorHeight},
                                                                {kSurfaceWidth - 1, kSurfaceHeight - 1},
                                                                {0, kSurfaceHeight - 1}}};
  // Each corner of the picture must be on the same side of every edge.
  bool on_left = true, on_right = true;
  for (std::size_t i = 0, j = polygon.num_corners - 1U; i < polygon.num_corners; j = i++)
    for (const auto& [x, y] : corners) {
      const std::int32_t dx = polygon.x[i] - polygon.x[j], dy = polygon.y[i] - polygon.y[j];
      const std::int32_t side = dx * (y - polygon.y[j]) - dy * (x - polygon.x[j]);
      on_left &= side > 0;
      on_right &= side < 0;
    }
  return on_left || on_right;
}

void list_polygons(const Scene& scene, std::vector<Polygon>& polygons) {
  polygons.clear();
  Lister lister(scene, polygons);
  lister.list_field();
  lister.list_grass();
  lister.list_road();
  lister.list_car();
}

}  // namespace apexline::racing
