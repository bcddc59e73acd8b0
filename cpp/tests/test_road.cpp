#include "racing/game/road.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "check.hpp"
#include "games.hpp"
#include "racing/physics/gjk.hpp"

using namespace apexline::racing;
using namespace apexline::test;

namespace {

Transform at(double x, double y, double angle) {
  return {{static_cast<float>(x), static_cast<float>(y)},
          static_cast<float>(std::sin(angle)),
          static_cast<float>(std::cos(angle))};
}

// A car near the road with its wheels close to their joints.
CarPose random_car(Random& random, const Track& track) {
  const Node& node = track.nodes[static_cast<std::size_t>(random.below(track.num_tiles()))];
  const double side = 24 * random.unit() - 12;
  const double x = node.x + side * std::cos(node.beta);
  const double y = node.y + side * std::sin(node.beta);
  const double angle = 6.3 * random.unit();
  CarPose car;
  car.hull = at(x, y, angle);
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
    const Vec2 place = apply(car.hull, chassis().anchors[wheel]);
    car.wheels[wheel] = at(place.x, place.y, angle + 0.8 * random.unit() - 0.4);
  }
  return car;
}

struct Touch {
  std::int32_t tile;
  std::array<bool, kNumWheels> wheels;
  bool hull;
  bool operator==(const Touch&) const = default;
};

// All contacts by Box2D's test of every part with every tile.
std::vector<Touch> naive_touches(const Track& track, const CarPose& car) {
  std::vector<Touch> touches;
  for (std::int32_t tile = 0; tile < track.num_tiles(); ++tile) {
    std::array<Vec2, 4> corners;
    for (std::size_t i = 0; i < 4; ++i) {
      const Point corner = track.tiles[static_cast<std::size_t>(tile)][i];
      corners[i] = {static_cast<float>(corner.x), static_cast<float>(corner.y)};
    }
    const ConvexPolygon shape = convex_hull(corners);
    Touch touch{tile, {}, false};
    bool any = false;
    for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel)
      any |= touch.wheels[wheel] = overlaps(shape, chassis().wheel, car.wheels[wheel]);
    for (const ConvexPolygon& part : chassis().hull_parts) touch.hull |= overlaps(shape, part, car.hull);
    if (any || touch.hull) touches.push_back(touch);
  }
  return touches;
}

std::vector<Touch> touches_of(const Road& road, const CarPose& car) {
  std::vector<Touch> touches;
  road.near(car, [&](std::int32_t tile) {
    Touch touch{tile, {}, road.touches_hull(tile, car.hull)};
    bool any = false;
    for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel)
      any |= touch.wheels[wheel] = road.touches_wheel(tile, car.wheels[wheel]);
    if (any || touch.hull) touches.push_back(touch);
  });
  return touches;
}

}  // namespace

TEST(contacts_equal_the_overlap_test) {
  Random random(1);
  Pcg64 seeded(game_seed(1));
  Track track;
  Road road;
  int num_wheels = 0;
  int num_hull_alone = 0;
  for (int round = 0; round < 8; ++round) {
    create_track(seeded, track);
    road.build(track);
    for (int i = 0; i < 60; ++i) {
      const CarPose car = random_car(random, track);
      const auto expected = naive_touches(track, car);
      CHECK(touches_of(road, car) == expected);
      for (const Touch& touch : expected) {
        const bool wheels = touch.wheels != std::array<bool, kNumWheels>{};
        num_wheels += wheels;
        num_hull_alone += touch.hull && !wheels;
      }
    }
  }
  CHECK(num_wheels > 500 && num_hull_alone > 20);
}

// Moves the car over a tile's edge in steps of a few ulps around the distance of contact.
TEST(contacts_at_the_edge_equal_the_overlap_test) {
  Random random(2);
  Pcg64 seeded(game_seed(2));
  Track track;
  create_track(seeded, track);
  Road road;
  road.build(track);
  int num_changes = 0;
  for (int round = 0; round < 25; ++round) {
    CarPose car = random_car(random, track);
    const std::size_t wheel = static_cast<std::size_t>(random.below(kNumWheels));
    const auto touching = [&] {
      std::vector<std::int32_t> tiles;
      for (const Touch& touch : naive_touches(track, car))
        if (touch.wheels[wheel]) tiles.push_back(touch.tile);
      return tiles;
    };
    // Bisection between a contact and a miss.
    float inside = car.wheels[wheel].position.x;
    const auto first = touching();
    float outside = inside + 3;
    for (int i = 0; i < 30; ++i) {
      car.wheels[wheel].position.x = (inside + outside) / 2;
      (touching() == first ? inside : outside) = car.wheels[wheel].position.x;
      CHECK(touches_of(road, car) == naive_touches(track, car));
    }
    for (const float x : {inside, outside}) {
      car.wheels[wheel].position.x = x;
      CHECK(touches_of(road, car) == naive_touches(track, car));
    }
    num_changes += std::abs(outside - inside) < 1e-3F;
  }
  CHECK(num_changes > 15);
}

// A crash can separate a wheel from the hull for a frame; its contacts count.
TEST(a_wheel_far_from_the_hull_touches_tiles) {
  Random random(3);
  Pcg64 seeded(game_seed(3));
  Track track;
  create_track(seeded, track);
  Road road;
  road.build(track);
  for (int round = 0; round < 40; ++round) {
    CarPose car = random_car(random, track);
    const Node& node = track.nodes[static_cast<std::size_t>(random.below(track.num_tiles()))];
    car.wheels[2] = at(node.x, node.y, 0.3);
    CHECK(touches_of(road, car) == naive_touches(track, car));
  }
}

TEST(near_tiles_are_ascending_and_a_road_can_be_rebuilt) {
  Random random(4);
  Pcg64 seeded(game_seed(4));
  Track track;
  Road road;
  for (int round = 0; round < 3; ++round) {
    create_track(seeded, track);
    road.build(track);
    std::int32_t before = -1;
    road.near(random_car(random, track), [&](std::int32_t tile) {
      CHECK(tile > before && tile < track.num_tiles());
      before = tile;
    });
  }
  road.build(Track{});
  road.near(CarPose{}, [](std::int32_t) { CHECK(false); });
}

TEST(a_road_of_impossible_corners_is_built_within_its_memory) {
  Track track;
  track.nodes.resize(1);
  track.tiles = {{{{1, 0}, {1e30, 0}, {3e38, 3e38}, {3e38, 5}}}};
  Road road;
  road.build(track);
  CHECK(road.shape(0).count <= 4);
}
