#include "racing/render/camera.hpp"

#include <cmath>
#include <limits>

#include "check.hpp"

using namespace apexline::racing;

namespace {

Scene seen_from(float x, float y, float angle, double seconds) {
  Scene scene;
  scene.hull = {x, y, angle, std::sin(angle), std::cos(angle)};
  scene.seconds = seconds;
  return scene;
}

bool is_near(Point point, double x, double y) { return std::hypot(point.x - x, point.y - y) < 1e-9; }

}  // namespace

TEST(the_hull_is_a_quarter_above_the_bottom) {
  for (const float angle : {0.0F, 0.5F, -2.0F, 40.0F})
    CHECK(is_near(Camera(seen_from(100, -50, angle, 3)).on_screen({100, -50}), 500, 200));
}

TEST(the_camera_zooms_in_during_the_first_second) {
  const Point right{101, 0};
  CHECK(is_near(Camera(seen_from(100, 0, 0, 0)).on_screen(right), 500 + 0.1 * 6, 200));
  CHECK(is_near(Camera(seen_from(100, 0, 0, 0.5)).on_screen(right), 500 + 0.05 * 6 + 1.35 * 6, 200));
  CHECK(is_near(Camera(seen_from(100, 0, 0, 60)).on_screen(right), 500 + 2.7 * 6, 200));
}

TEST(points_ahead_of_the_car_are_above_it) {
  // A hull rotated left by a quarter turn heads for -x.
  CHECK(is_near(Camera(seen_from(0, 0, static_cast<float>(kPi / 2), 2)).on_screen({-10, 0}), 500, 200 + 162));
}

TEST(angles_near_a_quarter_turn_are_exact_quarter_turns) {
  for (const float angle : {0.0F, 5e-7F, -5e-7F, static_cast<float>(2 * kPi)}) {
    const Point point = Camera(seen_from(0, 0, angle, 2)).on_screen({123.25, -7.5});
    CHECK(point.x == 123.25 * (kZoom * kScale) + 500);
    CHECK(point.y == -7.5 * (kZoom * kScale) + 200);
  }
  CHECK(Camera(seen_from(0, 0, 3e-6F, 2)).on_screen({123.25, 0}).y != 200);
}

TEST(pixels_are_rounded_towards_zero) {
  const PixelPoint pixel = pixel_at({-1.9, 1.9});
  CHECK(pixel.x == -1 && pixel.y == 1);
  const PixelPoint far = pixel_at({1e30, -1e30});
  CHECK(far.x == std::numeric_limits<std::int32_t>::max() && far.y == std::numeric_limits<std::int32_t>::min());
}
