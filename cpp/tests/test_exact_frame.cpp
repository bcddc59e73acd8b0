// Positions in the image; tests/oracle/test_exact_frame.py compares every byte with the stock game.
#include "racing/render/exact/exact_frame.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

#include "check.hpp"
#include "images.hpp"
#include "racing/render/display_list.hpp"

using namespace apexline::racing;
using apexline::test::Digest;

namespace {

// A straight road along the y axis with a kerb on its right, and the car on it, heading up.
struct Drive {
  Track track;
  std::vector<std::uint8_t> touched;
  Glyphs glyphs;
  Scene scene;
  Canvas canvas{kSurfaceWidth, kSurfaceHeight};

  Drive() {
    constexpr double step = kTrackDetailStep;
    for (int i = 0; i < 40; ++i) {
      const double y = step * (i - 10);
      track.tiles.push_back({{{-kTrackWidth, y}, {kTrackWidth, y}, {kTrackWidth, y - step}, {-kTrackWidth, y - step}}});
      const double edge = kTrackWidth + kBorder;
      track.kerbs.push_back(
          {i, i % 2 == 0, {{{kTrackWidth, y}, {edge, y}, {edge, y - step}, {kTrackWidth, y - step}}}});
    }
    touched.assign(40, 0);
    glyphs.height = 1;
    for (Glyph& glyph : glyphs.characters) glyph = {1, {255}};
    for (auto& steps : glyphs.steps) steps.fill(64);
    scene.track = &track;
    scene.touched = touched.data();
    scene.seconds = 2;
    const float across = 55 * 0.02F;
    const float ahead = 80 * 0.02F;
    for (std::size_t i = 0; i < kNumWheels; ++i) {
      scene.wheels[i].pose.x = i % 2 == 0 ? -across : across;
      scene.wheels[i].pose.y = i < 2 ? ahead : -ahead;
    }
  }

  void draw(std::span<const SkidMark> marks = {}) { draw_exact_frame(canvas, scene, marks, glyphs); }

  // Units to the right of and ahead of the car.
  [[nodiscard]] Rgb at(double right, double ahead) const {
    const auto x = static_cast<int>(500 + right * kZoom * kScale);
    const auto y = static_cast<int>(200 + ahead * kZoom * kScale);
    const std::uint32_t pixel = canvas.row(kSurfaceHeight - 1 - y)[x];
    return {static_cast<std::uint8_t>(pixel), static_cast<std::uint8_t>(pixel >> 8),
            static_cast<std::uint8_t>(pixel >> 16)};
  }
};

}  // namespace

TEST(positions_of_car_road_kerb_and_grass) {
  Drive drive;
  drive.draw();
  CHECK(drive.at(0, 0) == Rgb{204, 0, 0});
  CHECK(drive.at(-1.1, 1.4) == Rgb{0, 0, 0});
  CHECK(drive.at(3, 5.5 * kTrackDetailStep) == Rgb{104, 104, 104});  // tile 16
  CHECK(drive.at(3, 6.5 * kTrackDetailStep) == Rgb{107, 107, 107});  // tile 17
  CHECK(drive.at(kTrackWidth + 0.6, 5.5 * kTrackDetailStep) == Rgb{255, 255, 255});
  CHECK(drive.at(kTrackWidth + 0.6, 6.5 * kTrackDetailStep) == Rgb{255, 0, 0});
  CHECK(drive.at(-10, 10) == Rgb{102, 204, 102});
  CHECK(drive.at(10, 10) == Rgb{102, 230, 102});
}

TEST(a_touched_tile_has_the_first_shade) {
  Drive drive;
  drive.touched[17] = 1;
  drive.draw();
  CHECK(drive.at(3, 6.5 * kTrackDetailStep) == Rgb{102, 102, 102});
}

TEST(marks_lie_on_the_road_and_below_the_car) {
  Drive drive;
  const std::vector<SkidMark> marks{{true, {{-4, -3}, {-4, 9}}}, {false, {{0, 0}, {5, 0}, {5, 4}}}};
  drive.draw(marks);
  CHECK(drive.at(-4, 4) == Rgb{102, 102, 0});
  CHECK(drive.at(5, 2) == Rgb{0, 0, 0});
  CHECK(drive.at(0.3, 0) == Rgb{204, 0, 0});
}

TEST(the_light_mark_of_a_tyre_rotates) {
  Drive drive;
  const Rgb light{77, 77, 77};
  for (WheelState& wheel : drive.scene.wheels) wheel.phase = -0.6;  // from -0.6 to 0.6 radians of the top
  drive.draw();
  CHECK(drive.at(-1.25, 1.6 + 0.48) == light);
  for (WheelState& wheel : drive.scene.wheels) wheel.phase = 0.9;
  drive.draw();
  CHECK(drive.at(-1.25, 1.6 + 0.48) == Rgb{0, 0, 0});
}

TEST(bars_of_the_indicators) {
  Drive drive;
  const auto below = [&](int x, int y) { return drive.canvas.row(y)[x]; };
  drive.draw();
  CHECK(below(130, 775) == 0 && below(180, 775) == 0 && below(510, 730) == 0 && below(740, 730) == 0);
  CHECK(below(60, 750) == 0xFFFFFF);
  drive.scene.velocity_x = 30;
  drive.scene.velocity_y = 40;
  drive.scene.wheels[0].omega = 100;
  drive.scene.wheels[3].omega = 60;
  drive.scene.steering_angle = -0.3F;
  drive.scene.spin = 2;
  drive.draw();
  CHECK(below(130, 761) == 0xFFFFFF && below(130, 759) == 0);       // 0.02 * 50 lines up from 780
  CHECK(below(180, 761) == 0xFF0000 && below(255, 770) == 0xFF0033);  // blue is the highest byte
  CHECK(below(574, 730) == 0x00FF00 && below(576, 730) == 0);       // 3 columns of 25 pixels
  CHECK(below(711, 730) == 0x0000FF && below(709, 730) == 0);
}

TEST(drawing_twice_on_a_canvas_gives_the_same_image) {
  Drive drive;
  drive.scene.hull = {1, 2, 0.25F, std::sin(0.25F), std::cos(0.25F)};
  drive.draw();
  Digest first;
  first.add(drive.canvas);
  drive.draw();
  Digest second;
  second.add(drive.canvas);
  CHECK(first.value() == second.value());
}
