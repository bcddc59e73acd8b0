#include "racing/render/display_list.hpp"

#include <algorithm>

#include "check.hpp"
#include "scenes.hpp"

using namespace apexline::racing;
using apexline::test::Random;
using apexline::test::random_world;
using apexline::test::World;

namespace {

std::vector<DisplayPolygon> polygons_of(const World& world) {
  std::vector<DisplayPolygon> polygons;
  list_polygons(world.scene, polygons);
  return polygons;
}

std::ptrdiff_t count(const std::vector<DisplayPolygon>& polygons, Ink ink) {
  return std::count_if(polygons.begin(), polygons.end(), [&](const DisplayPolygon& p) { return p.ink == ink; });
}

bool has_corners(const DisplayPolygon& polygon, const std::vector<std::array<int, 2>>& corners) {
  if (polygon.num_corners != corners.size()) return false;
  for (std::size_t i = 0; i < corners.size(); ++i)
    if (polygon.x[i] != corners[i][0] || polygon.y[i] != corners[i][1]) return false;
  return true;
}

const DisplayPolygon& last(const std::vector<DisplayPolygon>& polygons, Ink ink) {
  return *std::find_if(polygons.rbegin(), polygons.rend(), [&](const DisplayPolygon& p) { return p.ink == ink; });
}

World at_rest(double x, double y, double angle) {
  World world;
  world.place(x, y, angle);
  world.scene.seconds = 1;
  return world;
}

}  // namespace

// 16.2 pixels per unit, the hull at (500, 200).
TEST(corners_are_projected_and_truncated) {
  const auto polygons = polygons_of(at_rest(0, 0, 0));
  CHECK(has_corners(polygons.front(), {{5900, 5600}, {5900, -5200}, {-4900, -5200}, {-4900, 5600}}));
  CHECK(polygons.front().ink == Ink::kField);
  CHECK(has_corners(last(polygons, Ink::kHull), {{516, 161}, {516, 170}, {483, 170}, {483, 161}}));
  CHECK(has_corners(last(polygons, Ink::kTyre), {{522, 164}, {522, 182}, {513, 182}, {513, 164}}));
}

TEST(the_camera_turns_with_the_hull) {
  const auto upright = polygons_of(at_rest(0, 0, 0));
  for (const double angle : {kPi / 2, kPi, -kPi / 2, 7.5}) {
    const auto turned = polygons_of(at_rest(0, 0, angle));
    const DisplayPolygon &a = last(upright, Ink::kHull), &b = last(turned, Ink::kHull);
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(std::abs(a.x[i] - b.x[i]) <= 1);
      CHECK(std::abs(a.y[i] - b.y[i]) <= 1);
    }
  }
  // With the car rotated left by a quarter turn the world is rotated right.
  CHECK(has_corners(polygons_of(at_rest(0, 0, kPi / 2)).front(),
                    {{5900, -5200}, {-4900, -5200}, {-4900, 5600}, {5900, 5600}}));
}

TEST(the_camera_zooms_in_over_the_first_second) {
  World world = at_rest(0, 0, 0);
  world.scene.seconds = 0;  // 0.6 pixels per unit
  CHECK(has_corners(polygons_of(world).front(), {{700, 400}, {700, 0}, {300, 0}, {300, 400}}));
  world.scene.seconds = 0.5;  // 8.4
  CHECK(has_corners(polygons_of(world).front(), {{3300, 3000}, {3300, -2600}, {-2300, -2600}, {-2300, 3000}}));
}

TEST(all_polygons_are_listed_if_all_are_visible) {
  World world = at_rest(0, 150, 0);
  world.scene.seconds = 0;
  world.touched[4] = 1;  // no change of its shade: the third of three
  world.touched[6] = 1;  // of the first shade as it is
  const auto polygons = polygons_of(world);
  CHECK(count(polygons, Ink::kField) == 1);
  CHECK(count(polygons, Ink::kRoad0) + count(polygons, Ink::kRoad1) + count(polygons, Ink::kRoad2) > 150);
  CHECK(count(polygons, Ink::kTyre) == 4);
  CHECK(count(polygons, Ink::kHull) == 4);
}

TEST(touched_tiles_have_the_first_shade) {
  World world = at_rest(150, 0, 0);
  const auto before = polygons_of(world);
  CHECK(count(before, Ink::kRoad1) > 2);
  CHECK(count(before, Ink::kRoad2) > 2);
  std::fill(world.touched.begin(), world.touched.end(), std::uint8_t{1});
  const auto after = polygons_of(world);
  CHECK(count(after, Ink::kRoad1) == 0);
  CHECK(count(after, Ink::kRoad2) == 0);
  CHECK(after.size() == before.size());
}

TEST(kerbs_follow_their_tile) {
  const auto polygons = polygons_of(at_rest(150, 0, 0));
  CHECK(count(polygons, Ink::kWhite) > 0);
  CHECK(count(polygons, Ink::kRed) > 0);
  for (std::size_t i = 0; i < polygons.size(); ++i)
    if (polygons[i].ink == Ink::kWhite || polygons[i].ink == Ink::kRed) CHECK(polygons[i - 1].ink == Ink::kRoad0);
}

TEST(tyre_marks_are_visible_half_of_the_time) {
  World world = at_rest(0, 0, 0);
  const auto marks = [&](double phase) {
    for (WheelState& wheel : world.scene.wheels) wheel.phase = phase;
    const auto polygons = polygons_of(world);
    return count(polygons, Ink::kTyreMark);
  };
  CHECK(marks(0.5) == 0);   // both sines positive
  CHECK(marks(-0.5) == 4);  // one of them
  CHECK(marks(4) == 4);     // none
}

// No omitted polygon would be visible by the game's own test.
TEST(omitted_polygons_are_invisible) {
  Random random(5);
  for (int round = 0; round < 40; ++round) {
    World world = random_world(random);
    const auto all = [&] {
      std::size_t seen = 0;
      const auto polygons = polygons_of(world);
      for (const DisplayPolygon& p : polygons) {
        if (p.ink != Ink::kRoad0 && p.ink != Ink::kRoad1 && p.ink != Ink::kRoad2) continue;
        const auto [left, right] = std::minmax_element(p.x.begin(), p.x.begin() + 4);
        const auto [low, high] = std::minmax_element(p.y.begin(), p.y.begin() + 4);
        seen += *right >= 0 && *left < kSurfaceWidth && *high >= kIndicatorHeight && *low < kSurfaceHeight;
      }
      return seen;
    };
    // Each tile on its own with its corners rotated: its visibility must not change.
    const std::size_t before = all();
    for (Quad& tile : world.track.tiles) std::rotate(tile.begin(), tile.begin() + 1 + random.below(3), tile.end());
    CHECK(all() == before);
  }
}

TEST(only_a_field_around_the_image_fills_it) {
  CHECK(fills_image(polygons_of(at_rest(0, 0, 0.3)).front()));
  CHECK(!fills_image(polygons_of(at_rest(kPlayfield, 0, 0.3)).front()));
  CHECK(!fills_image(polygons_of(at_rest(0, 0, 0.3)).back()));
  DisplayPolygon square;
  square.num_corners = 4;
  square.x = {-1, 1000, 1000, -1};
  square.y = {99, 99, 800, 800};
  CHECK(fills_image(square));
  std::reverse(square.x.begin(), square.x.begin() + 4);
  std::reverse(square.y.begin(), square.y.begin() + 4);
  CHECK(fills_image(square));
  square.y[0] = square.y[3] = 799;
  CHECK(!fills_image(square));
}
