#include "racing/render/frame/painter.hpp"

#include <algorithm>

#include "check.hpp"
#include "scenes.hpp"

using namespace apexline::racing;
using apexline::test::Random;
using apexline::test::random_glyphs;
using apexline::test::random_world;
using apexline::test::World;

namespace {

std::vector<std::uint8_t> frame_of(Painter& painter, const Scene& scene) {
  std::vector<std::uint8_t> frame(painter.format().bytes());
  painter.draw(scene, frame.data());
  return frame;
}

bool is(const std::vector<std::uint8_t>& frame, int row, int column, Rgb colour) {
  const auto place = static_cast<std::size_t>((row * kSide + column) * 3);
  return Rgb{frame[place], frame[place + 1], frame[place + 2]} == colour;
}

constexpr FrameFormat kWhole{false, false, kSide, false};

}  // namespace

TEST(positions_in_an_image) {
  Random random(1);
  Painter painter(kWhole, random_glyphs(random));
  World world;
  world.place(150, 0, 0);
  world.scene.seconds = 5;
  std::fill(world.touched.begin(), world.touched.end(), std::uint8_t{1});
  const auto frame = frame_of(painter, world.scene);
  CHECK(is(frame, 72, 47, {202, 0, 0}));        // the hull
  CHECK(is(frame, 40, 48, {100, 100, 100}));    // the road ahead
  CHECK(is(frame, 90, 95, {0, 0, 0}));          // the box
  CHECK(is(frame, 40, 2, {100, 202, 100}) || is(frame, 40, 2, {100, 228, 100}));
  world.place(500, 500, 0);
  const auto outside = frame_of(painter, world.scene);
  CHECK(is(outside, 40, 40, {0, 0, 0}));
  CHECK(is(outside, 72, 47, {202, 0, 0}));
}

TEST(a_frame_depends_on_its_scene_only) {
  Random random(2);
  const Glyphs glyphs = random_glyphs(random);
  for (const FrameFormat& format : {kWhole, FrameFormat{true, true, 42, true}, FrameFormat{true, false, 84, true}}) {
    Painter used(format, glyphs);
    for (int i = 0; i < 20; ++i) {
      const World world = random_world(random);
      Painter fresh(format, glyphs);
      CHECK(frame_of(used, world.scene) == frame_of(fresh, world.scene));
    }
  }
}

TEST(cropped_frames_are_parts_of_whole_ones) {
  Random random(3);
  const Glyphs glyphs = random_glyphs(random);
  Painter whole(FrameFormat{false, false, 96, true}, glyphs), cropped(FrameFormat{true, false, 84, true}, glyphs);
  for (int i = 0; i < 10; ++i) {
    const World world = random_world(random);
    const auto all = frame_of(whole, world.scene), part = frame_of(cropped, world.scene);
    for (std::size_t channel = 0; channel < 3; ++channel)
      for (std::size_t row = 0; row < 84; ++row) {
        const auto* from = &all[channel * 96 * 96 + row * 96 + 6];
        CHECK(std::equal(from, from + 84, &part[channel * 84 * 84 + row * 84]));
      }
  }
}
