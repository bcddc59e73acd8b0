#include "racing/physics/gjk.hpp"

#include <cmath>
#include <limits>

namespace apexline::racing {
namespace {

constexpr float kEpsilon = std::numeric_limits<float>::epsilon();
constexpr float kSkin = 2.0F * 0.005F;      // b2_polygonRadius, units
constexpr float kTouching = 10.0F * kEpsilon;  // b2TestOverlap: smaller distances count as contact, units
constexpr int kMaxIterations = 20;          // b2Distance: k_maxIters

// A point of the Minkowski difference moved - fixed and its pair of vertices.
struct Support {
  Vec2 on_fixed;
  Vec2 on_moved;
  Vec2 difference;
  float weight = 0;  // barycentric coordinate of the point closest to the origin
  std::int32_t fixed_index = 0;
  std::int32_t moved_index = 0;
};

// The simplex of GJK: one to three supports, reduced to those around the point closest to the origin.
class Simplex {
 public:
  explicit Simplex(const Support& first) noexcept : supports_{first} { supports_[0].weight = 1.0F; }

  [[nodiscard]] int count() const noexcept { return count_; }
  [[nodiscard]] const Support& operator[](int i) const noexcept { return supports_[static_cast<std::size_t>(i)]; }
  void add(const Support& support) noexcept { supports_[static_cast<std::size_t>(count_++)] = support; }

  void reduce() noexcept {
    if (count_ == 2) reduce_segment();
    if (count_ == 3) reduce_triangle();
  }

  // Perpendicular to the segment, towards the origin.
  [[nodiscard]] Vec2 direction() const noexcept {
    if (count_ == 1) return -supports_[0].difference;
    const Vec2 edge = supports_[1].difference - supports_[0].difference;
    const bool origin_is_left = cross(edge, -supports_[0].difference) > 0.0F;
    return origin_is_left ? Vec2{-1.0F * edge.y, 1.0F * edge.x} : Vec2{1.0F * edge.y, -1.0F * edge.x};
  }

  [[nodiscard]] float distance() const noexcept {
    if (count_ == 3) return 0.0F;
    Vec2 on_fixed = supports_[0].on_fixed;
    Vec2 on_moved = supports_[0].on_moved;
    if (count_ == 2) {
      on_fixed = supports_[0].weight * on_fixed + supports_[1].weight * supports_[1].on_fixed;
      on_moved = supports_[0].weight * on_moved + supports_[1].weight * supports_[1].on_moved;
    }
    const Vec2 gap = on_fixed - on_moved;
    return std::sqrt(dot(gap, gap));
  }

 private:
  void keep(std::size_t i) noexcept {
    supports_[0] = supports_[i];
    supports_[0].weight = 1.0F;
    count_ = 1;
  }

  void keep(std::size_t i, float weight_i, std::size_t j, float weight_j) noexcept {
    const float scale = 1.0F / (weight_i + weight_j);
    const Support first = supports_[i];
    supports_[1] = supports_[j];
    supports_[0] = first;
    supports_[0].weight = weight_i * scale;
    supports_[1].weight = weight_j * scale;
    count_ = 2;
  }

  void reduce_segment() noexcept {
    const Vec2 a = supports_[0].difference;
    const Vec2 b = supports_[1].difference;
    const Vec2 ab = b - a;
    const float towards_b = -dot(a, ab);
    const float towards_a = dot(b, ab);
    if (towards_b <= 0.0F)
      keep(0);
    else if (towards_a <= 0.0F)
      keep(1);
    else
      keep(0, towards_a, 1, towards_b);
  }

  // By Voronoi region of the triangle (Ericson, Real-Time Collision Detection, 5.1.5), in Box2D's order.
  void reduce_triangle() noexcept {
    const Vec2 a = supports_[0].difference;
    const Vec2 b = supports_[1].difference;
    const Vec2 c = supports_[2].difference;
    const Vec2 ab = b - a;
    const Vec2 ac = c - a;
    const Vec2 bc = c - b;
    const float ab_a = dot(b, ab);
    const float ab_b = -dot(a, ab);
    const float ac_a = dot(c, ac);
    const float ac_c = -dot(a, ac);
    const float bc_b = dot(c, bc);
    const float bc_c = -dot(b, bc);
    const float area = cross(ab, ac);
    const float area_a = area * cross(b, c);
    const float area_b = area * cross(c, a);
    const float area_c = area * cross(a, b);
    if (ab_b <= 0.0F && ac_c <= 0.0F)
      keep(0);
    else if (ab_a > 0.0F && ab_b > 0.0F && area_c <= 0.0F)
      keep(0, ab_a, 1, ab_b);
    else if (ac_a > 0.0F && ac_c > 0.0F && area_b <= 0.0F)
      keep(0, ac_a, 2, ac_c);
    else if (ab_a <= 0.0F && bc_c <= 0.0F)
      keep(1);
    else if (ac_a <= 0.0F && bc_b <= 0.0F)
      keep(2);
    else if (bc_b > 0.0F && bc_c > 0.0F && area_a <= 0.0F)
      keep(2, bc_c, 1, bc_b);
  }

  std::array<Support, 3> supports_;
  int count_ = 1;
};

std::int32_t furthest(const ConvexPolygon& polygon, Vec2 direction) noexcept {
  std::int32_t best = 0;
  float best_value = dot(polygon.vertices[0], direction);
  for (std::int32_t i = 1; i < polygon.count; ++i) {
    const float value = dot(polygon.vertices[static_cast<std::size_t>(i)], direction);
    if (value > best_value) {
      best = i;
      best_value = value;
    }
  }
  return best;
}

Vec2 rotated_back(const Transform& transform, Vec2 v) noexcept {
  return {transform.cosine * v.x + transform.sine * v.y, -transform.sine * v.x + transform.cosine * v.y};
}

class Difference {
 public:
  Difference(const ConvexPolygon& fixed, const ConvexPolygon& moved, const Transform& transform) noexcept
      : fixed_(fixed), moved_(moved), transform_(transform) {}

  [[nodiscard]] Support at(std::int32_t fixed_index, std::int32_t moved_index) const noexcept {
    Support support;
    support.on_fixed = fixed_.vertices[static_cast<std::size_t>(fixed_index)];
    support.on_moved = apply(transform_, moved_.vertices[static_cast<std::size_t>(moved_index)]);
    support.difference = support.on_moved - support.on_fixed;
    support.fixed_index = fixed_index;
    support.moved_index = moved_index;
    return support;
  }

  [[nodiscard]] Support furthest_along(Vec2 direction) const noexcept {
    return at(furthest(fixed_, -direction), furthest(moved_, rotated_back(transform_, direction)));
  }

 private:
  const ConvexPolygon& fixed_;
  const ConvexPolygon& moved_;
  const Transform& transform_;
};

}  // namespace

bool overlaps(const ConvexPolygon& fixed, const ConvexPolygon& moved, const Transform& transform) noexcept {
  const Difference difference(fixed, moved, transform);
  Simplex simplex(difference.at(0, 0));
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    const Simplex before = simplex;
    simplex.reduce();
    if (simplex.count() == 3) break;  // the origin lies inside
    const Vec2 direction = simplex.direction();
    if (dot(direction, direction) < kEpsilon * kEpsilon) break;
    const Support support = difference.furthest_along(direction);
    bool is_repeated = false;
    for (int i = 0; i < before.count(); ++i)
      is_repeated |= support.fixed_index == before[i].fixed_index && support.moved_index == before[i].moved_index;
    if (is_repeated) break;
    simplex.add(support);
  }
  const float distance = simplex.distance();
  const bool skins_meet = !(distance > kSkin + kSkin && distance > kEpsilon);
  return skins_meet || distance - (kSkin + kSkin) < kTouching;
}

}  // namespace apexline::racing
