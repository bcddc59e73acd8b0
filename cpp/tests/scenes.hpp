// Scenes: a circular road with kerbs and a car anywhere; and random glyphs.
#pragma once

#include <cmath>
#include <vector>

#include "racing/base/scene.hpp"
#include "racing/render/glyphs.hpp"
#include "random.hpp"

namespace apexline::test {

using namespace apexline::racing;

inline Pose pose(double x, double y, double angle) {
  const auto turned = static_cast<float>(angle);
  return {static_cast<float>(x), static_cast<float>(y), turned, std::sin(turned), std::cos(turned)};
}

// 300 tiles around a circle, each third with a kerb.
inline Track round_track() {
  Track track;
  constexpr int num_tiles = 300;
  const auto at = [](int i, double radius) {
    const double angle = 2 * kPi * i / num_tiles;
    return Point{radius * std::cos(angle), radius * std::sin(angle)};
  };
  for (int i = 0; i < num_tiles; ++i) {
    const double inner = kTrackRadius - kTrackWidth, outer = kTrackRadius + kTrackWidth;
    track.tiles.push_back({at(i + 1, inner), at(i + 1, outer), at(i, outer), at(i, inner)});
    if (i % 3 == 0)
      track.kerbs.push_back(
          {i, i % 2 == 0, {at(i + 1, outer), at(i + 1, outer + kBorder), at(i, outer + kBorder), at(i, outer)}});
  }
  return track;
}

// A scene and the track it refers to.
struct World {
  Track track = round_track();
  std::vector<std::uint8_t> touched = std::vector<std::uint8_t>(track.tiles.size());
  Scene scene;

  World() { point(); }
  World(const World& other) : track(other.track), touched(other.touched), scene(other.scene) { point(); }
  World& operator=(const World&) = delete;

  // The car at rest on its wheels.
  void place(double x, double y, double angle) {
    scene.hull = pose(x, y, angle);
    constexpr double half_width = 1.1, front = 1.6, rear = -1.64;  // WHEELPOS * SIZE
    constexpr double places[kNumWheels][2]{
        {-half_width, front}, {half_width, front}, {-half_width, rear}, {half_width, rear}};
    for (std::size_t i = 0; i < kNumWheels; ++i) {
      const double dx = places[i][0], dy = places[i][1];
      scene.wheels[i].pose =
          pose(x + std::cos(angle) * dx - std::sin(angle) * dy, y + std::sin(angle) * dx + std::cos(angle) * dy, angle);
    }
  }

 private:
  void point() {
    scene.track = &track;
    scene.touched = touched.data();
  }
};

inline World random_world(Random& random) {
  World world;
  const auto spread = [&](double width) { return width * (2 * random.unit() - 1); };
  const double along = 2 * kPi * random.unit(), radius = kTrackRadius + spread(random.chance(0.2) ? 200 : 15);
  world.place(radius * std::cos(along), radius * std::sin(along), along + spread(2));
  for (std::uint8_t& tile : world.touched) tile = random.chance(0.5);
  Scene& scene = world.scene;
  scene.velocity_x = static_cast<float>(spread(80));
  scene.velocity_y = static_cast<float>(spread(80));
  scene.spin = static_cast<float>(spread(8));
  scene.steering_angle = static_cast<float>(spread(0.4));
  for (WheelState& wheel : scene.wheels) {
    wheel.phase = spread(100);
    wheel.omega = random.chance(0.2) ? 0 : spread(300);
  }
  scene.seconds = random.chance(0.3) ? random.unit() : 20 * random.unit();
  scene.score = spread(999);
  const auto colour = [&] {
    const auto channel = [&] { return static_cast<std::uint8_t>(random.below(256)); };
    return Rgb{channel(), channel(), channel()};
  };
  if (random.chance(0.5)) scene.colours = {{colour(), colour(), colour()}, colour(), colour()};
  return world;
}

inline Glyphs random_glyphs(Random& random) {
  Glyphs glyphs;
  glyphs.height = 46;
  for (Glyph& glyph : glyphs.characters) {
    glyph.width = static_cast<std::int32_t>(10 + random.below(15));
    for (int i = 0; i < glyph.width * glyphs.height; ++i)
      glyph.coverage.push_back(static_cast<std::uint8_t>(random.below(256)));
  }
  for (std::size_t i = 0; i < Glyphs::kCount; ++i)
    for (std::size_t next = 0; next < Glyphs::kCount; ++next)
      glyphs.steps[i][next] = static_cast<std::int32_t>(64 * glyphs.characters[i].width + random.below(100));
  return glyphs;
}

}  // namespace apexline::test
