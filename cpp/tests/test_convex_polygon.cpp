#include "racing/physics/convex_polygon.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include "check.hpp"
#include "racing/base/car_shape.hpp"
#include "racing/physics/chassis.hpp"
#include "racing/physics/gjk.hpp"
#include "random.hpp"

using namespace apexline::racing;
using apexline::test::Random;

namespace {

bool near(double a, double b, double within = 1e-5) { return std::abs(a - b) < within; }
bool same(Vec2 a, Vec2 b) { return a.x == b.x && a.y == b.y; }

ConvexPolygon box(float left, float bottom, float right, float top) {
  const std::array<Vec2, 4> corners{Vec2{left, bottom}, Vec2{right, bottom}, Vec2{right, top}, Vec2{left, top}};
  return convex_hull(corners);
}

Transform moved_by(float x, float y, double angle = 0) {
  return {{x, y}, static_cast<float>(std::sin(angle)), static_cast<float>(std::cos(angle))};
}

// A convex polygon of 3 to 8 corners on an ellipse.
ConvexPolygon random_polygon(Random& random) {
  std::vector<double> angles(static_cast<std::size_t>(3 + random.below(6)));
  for (double& angle : angles) angle = 2 * std::numbers::pi * random.unit();
  const double width = 0.2 + 3 * random.unit();
  const double height = 0.2 + 3 * random.unit();
  std::vector<Vec2> corners;
  for (const double angle : angles)
    corners.push_back({static_cast<float>(width * std::cos(angle)), static_cast<float>(height * std::sin(angle))});
  return convex_hull(corners);
}

struct Real {
  double x, y;
};

double distance_to_segment(Real p, Real a, Real b) {
  const double dx = b.x - a.x;
  const double dy = b.y - a.y;
  const double t = std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy), 0.0, 1.0);
  return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

double turn(Real a, Real b, Real c) { return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x); }

bool contains(const std::vector<Real>& polygon, Real p) {
  for (std::size_t i = 0; i < polygon.size(); ++i)
    if (turn(polygon[i], polygon[(i + 1) % polygon.size()], p) < 0) return false;
  return true;
}

// From every corner to every edge, in float64; 0 if the polygons intersect.
double naive_distance(const std::vector<Real>& a, const std::vector<Real>& b) {
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      const Real a0 = a[i];
      const Real a1 = a[(i + 1) % a.size()];
      const Real b0 = b[j];
      const Real b1 = b[(j + 1) % b.size()];
      if (contains(a, b0) || contains(b, a0)) return 0;
      if (turn(a0, a1, b0) * turn(a0, a1, b1) < 0 && turn(b0, b1, a0) * turn(b0, b1, a1) < 0) return 0;
      least = std::min({least, distance_to_segment(b0, a0, a1), distance_to_segment(a0, b0, b1)});
    }
  }
  return least;
}

std::vector<Real> in_world(const ConvexPolygon& polygon, const Transform& transform) {
  std::vector<Real> corners;
  for (std::size_t i = 0; i < static_cast<std::size_t>(polygon.count); ++i) {
    const Vec2 corner = apply(transform, polygon.vertices[i]);
    corners.push_back({corner.x, corner.y});
  }
  return corners;
}

}  // namespace

TEST(a_hull_starts_at_its_lowest_rightmost_corner_and_turns_left) {
  std::array<Vec2, 4> corners{Vec2{-1, -1}, Vec2{2, -1}, Vec2{2, 3}, Vec2{-1, 3}};
  std::array<int, 4> order{0, 1, 2, 3};
  do {
    std::array<Vec2, 4> shuffled;
    for (std::size_t i = 0; i < 4; ++i) shuffled[i] = corners[static_cast<std::size_t>(order[i])];
    const ConvexPolygon hull = convex_hull(shuffled);
    CHECK(hull.count == 4);
    CHECK(same(hull.vertices[0], {2, -1}) && same(hull.vertices[1], {2, 3}));
    CHECK(same(hull.vertices[2], {-1, 3}) && same(hull.vertices[3], {-1, -1}));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(a_hull_omits_points_inside_or_on_an_edge) {
  const std::array<Vec2, 8> points{Vec2{0, 0}, Vec2{4, 0}, Vec2{4, 4}, Vec2{0, 4},
                                   Vec2{1, 2}, Vec2{2, 0}, Vec2{4, 3}, Vec2{0, 1}};
  const ConvexPolygon hull = convex_hull(points);
  CHECK(hull.count == 4);
  CHECK(same(hull.vertices[0], {4, 0}) && same(hull.vertices[2], {0, 4}));
}

TEST(a_hull_is_convex_and_contains_every_point) {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    std::array<Vec2, 8> points;
    for (Vec2& point : points) point = {static_cast<float>(random.unit()), static_cast<float>(random.unit())};
    const ConvexPolygon hull = convex_hull(points);
    const std::vector<Real> corners = in_world(hull, {});
    CHECK(hull.count >= 3);
    for (const Vec2 point : points)
      for (std::size_t i = 0; i < corners.size(); ++i)
        CHECK(turn(corners[i], corners[(i + 1) % corners.size()], {point.x, point.y}) > -1e-6);
  }
}

TEST(the_mass_of_a_box) {
  const Mass at_origin = mass_of(box(-1, -2, 1, 2), 3);
  CHECK(near(at_origin.mass, 24) && near(at_origin.centre.x, 0) && near(at_origin.centre.y, 0));
  CHECK(near(at_origin.inertia, 24 * (4 + 16) / 12.0, 1e-4));
  const Mass aside = mass_of(box(4, 1, 6, 5), 3);
  CHECK(near(aside.mass, 24) && near(aside.centre.x, 5) && near(aside.centre.y, 3));
  CHECK(near(aside.inertia, 24 * (4 + 16) / 12.0 + 24 * (25 + 9), 1e-2));
}

TEST(the_mass_of_a_triangle) {
  const std::array<Vec2, 3> corners{Vec2{0, 0}, Vec2{3, 0}, Vec2{0, 6}};
  const Mass mass = mass_of(convex_hull(corners), 0.5F);
  CHECK(near(mass.mass, 4.5) && near(mass.centre.x, 1) && near(mass.centre.y, 2));
  CHECK(near(mass.inertia, 4.5 * (9 + 36) / 6.0, 1e-4));
}

// The renderers use the constants; physics uses their convex hulls.
TEST(the_corners_of_the_car_are_in_the_order_of_box2d) {
  const auto is_ordered = [](std::span<const Vec2> corners, const ConvexPolygon& shape) {
    return std::equal(corners.begin(), corners.end(), shape.vertices.begin(), shape.vertices.begin() + shape.count,
                      same);
  };
  CHECK(is_ordered(kWheelCorners, chassis().wheel));
  for (std::size_t part = 0; part < kNumHullParts; ++part)
    CHECK(is_ordered(kHullParts[part], chassis().hull_parts[part]));
}

// HULL_POLY1 to 4 are two boxes, a trapezium and an octagon; the wheels are boxes about their origin.
TEST(the_mass_of_the_chassis_is_that_of_its_parts) {
  const Body& wheel = chassis().wheel_body;
  const double wheel_mass = 0.1 * 0.56 * 1.08;
  CHECK(near(1 / wheel.inverse_mass, wheel_mass));
  CHECK(near(1 / wheel.inverse_inertia, wheel_mass * (0.56 * 0.56 + 1.08 * 1.08) / 12));
  CHECK(near(wheel.centre_of_mass.x, 0) && near(wheel.centre_of_mass.y, 0));

  double mass = 0;
  double moment = 0;
  double inertia = 0;
  for (const ConvexPolygon& part : chassis().hull_parts) {
    const auto corners = in_world(part, {});
    for (std::size_t i = 0; i < corners.size(); ++i) {
      const Real a = corners[i];
      const Real b = corners[(i + 1) % corners.size()];
      const double area = (a.x * b.y - a.y * b.x) / 2;
      mass += area;
      moment += area * (a.y + b.y) / 3;
      inertia += area * (a.x * a.x + a.x * b.x + b.x * b.x + a.y * a.y + a.y * b.y + b.y * b.y) / 6;
    }
  }
  const Body& hull = chassis().hull_body;
  CHECK(near(1 / hull.inverse_mass, mass, 1e-4));
  CHECK(near(hull.centre_of_mass.x, 0) && near(hull.centre_of_mass.y, moment / mass));
  CHECK(hull.centre_of_mass.y < -0.01F);  // towards the rear
  CHECK(near(1 / hull.inverse_inertia, inertia - moment * moment / mass, 1e-3));
}

// hull.localCenter of the stock game; its last bits depend on the order in which the parts are summed.
TEST(the_centre_of_the_hull_equals_that_of_box2d) {
  CHECK(same(chassis().hull_body.centre_of_mass, {0x1.961e78p-30F, -0x1.520be8p-4F}));
}

TEST(the_joints_equal_those_of_the_game) {
  CHECK(chassis().max_motor_torque == 64.8F && chassis().lower_angle == -0.4F && chassis().upper_angle == 0.4F);
  constexpr std::array<Vec2, 4> anchors{{{-1.1F, 1.6F}, {1.1F, 1.6F}, {-1.1F, -1.64F}, {1.1F, -1.64F}}};
  for (std::size_t wheel = 0; wheel < anchors.size(); ++wheel) CHECK(same(chassis().anchors[wheel], anchors[wheel]));
}

TEST(boxes_touch_within_two_skins_of_a_hundredth) {
  const ConvexPolygon unit = box(0, 0, 1, 1);
  for (const float gap : {-0.5F, 0.0F, 0.01F, 0.0199F}) CHECK(overlaps(unit, unit, moved_by(1 + gap, 0.3F)));
  for (const float gap : {0.0201F, 0.03F, 1.0F, 100.0F}) CHECK(!overlaps(unit, unit, moved_by(1 + gap, 0.3F)));
  const float corner = 1 + 0.02F / std::numbers::sqrt2_v<float>;
  CHECK(overlaps(unit, unit, moved_by(corner - 1e-4F, corner - 1e-4F)));
  CHECK(!overlaps(unit, unit, moved_by(corner + 1e-4F, corner + 1e-4F)));
}

TEST(a_polygon_inside_another_overlaps_it) {
  const ConvexPolygon large = box(-10, -10, 10, 10);
  for (const double angle : {0.0, 0.4, 2.0}) {
    CHECK(overlaps(large, box(-1, -1, 1, 1), moved_by(3, -4, angle)));
    CHECK(overlaps(box(-1, -1, 1, 1), large, moved_by(3, -4, angle)));
  }
}

TEST(overlaps_is_a_distance_below_two_skins) {
  Random random(2);
  int num_touching = 0;
  int num_grazing = 0;
  for (int round = 0; round < 20000; ++round) {
    const ConvexPolygon fixed = random_polygon(random);
    const ConvexPolygon moved = random_polygon(random);
    if (fixed.count < 3 || moved.count < 3) continue;
    Transform transform = moved_by(static_cast<float>(8 * random.unit() - 4), static_cast<float>(8 * random.unit() - 4),
                                   6 * random.unit());
    double distance = naive_distance(in_world(fixed, {}), in_world(moved, transform));
    if (random.chance(0.5) && distance > 0) {  // move it to the distance of contact
      for (int i = 0; i < 40; ++i) {
        const double size = std::hypot(transform.position.x, transform.position.y);
        const double by = (distance - (0.02 + 1e-3 * (2 * random.unit() - 1))) / size / 2;
        transform.position.x *= static_cast<float>(1 - by);
        transform.position.y *= static_cast<float>(1 - by);
        distance = naive_distance(in_world(fixed, {}), in_world(moved, transform));
      }
    }
    if (near(distance, 0.02, 4e-6)) continue;  // float32 decides
    CHECK(overlaps(fixed, moved, transform) == (distance < 0.02));
    num_touching += distance < 0.02;
    num_grazing += near(distance, 0.02, 2e-3);
  }
  CHECK(num_touching > 4000 && num_grazing > 2000);
}

TEST(overlaps_is_symmetric) {
  Random random(3);
  int num_touching = 0;
  for (int round = 0; round < 5000; ++round) {
    const ConvexPolygon fixed = random_polygon(random);
    ConvexPolygon moved = random_polygon(random);
    const auto shift = static_cast<float>(4 * random.unit());
    for (Vec2& vertex : moved.vertices) vertex.x += shift;
    const bool touches = overlaps(fixed, moved, {});
    CHECK(touches == overlaps(moved, fixed, {}));
    num_touching += touches;
  }
  CHECK(num_touching > 1000 && num_touching < 4000);
}

// Quadrilaterals as the tiles of an own track may be (own_track.py): no three corners closer to a line than kLeastTurn.
TEST(the_hull_of_any_tile_has_all_of_its_outer_corners) {
  constexpr double kLeastTurn = 0.02;  // MIN_TURN, square units
  Random random(9);
  int num_close = 0;
  for (int round = 0; round < 200000; ++round) {
    const auto spread = [&](double width) { return width * (2 * random.unit() - 1); };
    const Real middle{spread(341), spread(341)};
    std::array<Real, 4> quad{};
    for (Real& corner : quad) corner = {middle.x + spread(11), middle.y + spread(11)};
    if (random.chance(0.7)) {  // one corner almost on the line of two others
      const double along = 3 * random.unit() - 1;
      const double dx = quad[1].x - quad[0].x;
      const double dy = quad[1].y - quad[0].y;
      const double aside = (random.chance(0.5) ? 1 : -1) * kLeastTurn * (1 + random.unit()) / (dx * dx + dy * dy);
      quad[2] = {quad[0].x + along * dx - aside * dy, quad[0].y + along * dy + aside * dx};
    }
    std::array<double, 4> turns{};  // of the corners without one
    for (std::size_t i = 0; i < 4; ++i) turns[i] = turn(quad[i == 0 ? 1 : 0], quad[i < 2 ? 2 : 1], quad[i < 3 ? 3 : 2]);
    const auto is_flat = [](double value) { return std::abs(value) < kLeastTurn; };
    if (std::any_of(turns.begin(), turns.end(), is_flat)) continue;
    num_close += std::any_of(turns.begin(), turns.end(), [](double value) { return std::abs(value) < 0.03; });

    std::array<Vec2, 4> corners;
    for (std::size_t i = 0; i < 4; ++i) corners[i] = {static_cast<float>(quad[i].x), static_cast<float>(quad[i].y)};
    const ConvexPolygon hull = convex_hull(corners);
    std::vector<Real> outline;
    for (std::size_t i = 0; i < static_cast<std::size_t>(hull.count); ++i)
      outline.push_back({hull.vertices[i].x, hull.vertices[i].y});
    CHECK(hull.count == 3 || hull.count == 4);
    for (std::size_t i = 0; i < outline.size(); ++i) {
      CHECK(turn(outline[i], outline[(i + 1) % outline.size()], outline[(i + 2) % outline.size()]) > 0);
      for (const Vec2 corner : corners)
        CHECK(turn(outline[i], outline[(i + 1) % outline.size()], {corner.x, corner.y}) >= 0);
    }
  }
  CHECK(num_close > 1000);
}

// Rounding leads around these corners without an end: the hull once had eight vertices.
TEST(a_hull_has_no_more_vertices_than_points) {
  const std::array<Vec2, 4> far_away{Vec2{1, 0}, Vec2{1e30F, 0}, Vec2{3e38F, 3e38F}, Vec2{3e38F, 5}};
  CHECK(convex_hull(far_away).count <= 4);
  Random random(8);
  for (int i = 0; i < 2000; ++i) {
    std::vector<Vec2> points(static_cast<std::size_t>(3 + random.below(6)));
    for (Vec2& point : points) {
      const auto coordinate = [&] {
        return static_cast<float>((random.unit() - 0.5) * std::pow(10.0, static_cast<double>(random.below(40))));
      };
      point = {coordinate(), coordinate()};
    }
    const auto count = static_cast<std::size_t>(convex_hull(points).count);
    CHECK(count >= 1 && count <= points.size());
  }
}
