#include "racing/render/fast/kernels/raster_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "check.hpp"
#include "random.hpp"
#include "variants.hpp"

using namespace apexline::racing;
using apexline::Isa;
using apexline::test::Random;
using apexline::test::supported_isas;

namespace {

std::unique_ptr<Samples> blank() {
  auto samples = std::make_unique<Samples>();
  samples->inks.fill(0);
  return samples;
}

// The ink of a sample: row of pixels, row of samples within, column of samples.
std::uint8_t ink_at(const Samples& samples, int row, int k, int column) {
  const int place = row * kPixelRowBytes + column / kGroupWidth * kGroupBytes + k * kGroupWidth + column % kGroupWidth;
  return samples.inks[static_cast<std::size_t>(place)];
}

// The position of a sample on the surface: its row, and the place along it; pixel x spans x up to x + 1.
struct Place {
  int y;
  double x;
};
Place place_of(int row, int k, int column) {
  const auto within = static_cast<std::size_t>(k);
  return {static_cast<int>(sampled_rows()[static_cast<std::size_t>(row)][within]),
          (column + static_cast<double>(kSampleShift[within])) * kSurfaceWidth / kSamplesPerRow};
}

template <class Visit>
void for_each_sample(const Samples& samples, Visit&& visit) {
  for (int row = 0; row < kVisibleRows; ++row)
    for (int k = 0; k < kRowsPerPixel; ++k)
      for (int column = 0; column < kSamplesPerRow; ++column)
        visit(place_of(row, k, column), ink_at(samples, row, k, column));
}

DisplayPolygon polygon_of(const std::vector<std::array<int, 2>>& corners, Brush brush, Ink ink = Ink::kHull) {
  DisplayPolygon polygon;
  for (const auto& [x, y] : corners) {
    polygon.x[polygon.num_corners] = static_cast<std::int16_t>(x);
    polygon.y[polygon.num_corners] = static_cast<std::int16_t>(y);
    ++polygon.num_corners;
  }
  polygon.brush = brush;
  polygon.ink = ink;
  return polygon;
}

// draw_fillpoly of pygame's draw.c: the pixels from one crossing to the next, by rows.
bool is_filled_by_pygame(const DisplayPolygon& p, int x, int y) {
  const int high = *std::max_element(p.y.begin(), p.y.begin() + p.num_corners);
  std::vector<int> crossings;
  for (std::size_t i = 0, j = p.num_corners - 1U; i < p.num_corners; j = i++) {
    int x1 = p.x[j], y1 = p.y[j], x2 = p.x[i], y2 = p.y[i];
    if (y1 == y2) continue;
    if (y1 > y2) std::swap(x1, x2), std::swap(y1, y2);
    if (!((y >= y1 && y < y2) || (y == high && y2 == high))) continue;
    const float at = static_cast<float>((y - y1) * (x2 - x1)) / static_cast<float>(y2 - y1);
    crossings.push_back(static_cast<int>(crossings.size() % 2 == 0 ? std::floor(at) : std::ceil(at)) + x1);
  }
  std::sort(crossings.begin(), crossings.end());
  return crossings.size() == 2 && x >= crossings[0] && x <= crossings[1];
}

DisplayPolygon random_polygon(Random& random) {
  const auto around = [&](double centre, double spread) {
    return static_cast<int>(centre + spread * (2 * random.unit() - 1));
  };
  const double sizes[]{3, 30, 200, 900, 8000};
  const double size = sizes[random.below(5)];
  const int x = around(500, 600), y = around(450, 500);
  const auto corners = static_cast<std::size_t>(3 + random.below(6));
  std::vector<std::array<int, 2>> all;
  double angle = 6.3 * random.unit();
  for (std::size_t i = 0; i < corners; ++i, angle += 6.28 / static_cast<double>(corners))
    all.push_back({around(x + size * std::cos(angle), 1), around(y + size * std::sin(angle), 1)});
  if (random.chance(0.1)) all.assign(corners, all[0]);                             // a single point
  if (random.chance(0.1))
    for (auto& corner : all) corner[1] = all[0][1];          // a line
  if (random.chance(0.1))
    for (auto& corner : all) corner[0] = all[0][0];          // another
  if (random.chance(0.1)) std::swap(all[0], all[1]);                               // crossing itself
  return polygon_of(all, random.chance(0.5) ? Brush::kSmooth : Brush::kPlain, static_cast<Ink>(random.below(11)));
}

}  // namespace

TEST(sampled_rows_are_those_of_the_surface_under_each_pixel) {
  constexpr auto rows = sampled_rows();
  for (std::size_t row = 0; row < rows.size(); ++row)
    for (const float y : rows[row]) {
      CHECK(y == std::floor(y));
      CHECK(pixel_row(static_cast<int>(y)) == static_cast<int>(row) ||
            pixel_row(static_cast<int>(y)) == static_cast<int>(row) - 1);  // a row between two pixels
      const double top = kSurfaceHeight - static_cast<double>(row) * 25 / 3;
      CHECK(static_cast<double>(y) + 1 > top - 25.0 / 3 && static_cast<double>(y) < top);
    }
  CHECK(pixel_row(kSurfaceHeight - 1) == 0);
  CHECK(pixel_row(kIndicatorHeight) == kVisibleRows - 1);
}

TEST(plain_polygons_cover_the_pixels_that_pygame_fills) {
  const std::vector<DisplayPolygon> polygons{
      polygon_of({{513, 235}, {519, 280}, {480, 290}, {482, 235}}, Brush::kPlain),
      polygon_of({{100, 300}, {300, 400}, {200, 700}, {90, 650}, {60, 500}}, Brush::kPlain),
      polygon_of({{300, 400}, {100, 300}, {60, 500}, {90, 650}, {200, 700}}, Brush::kPlain),
      polygon_of({{-50, 350}, {40, 200}, {400, 900}, {300, 950}}, Brush::kPlain),
      polygon_of({{900, 90}, {1100, 120}, {1090, 180}, {890, 130}}, Brush::kPlain)};
  for (const DisplayPolygon& polygon : polygons) {
    const auto samples = blank();
    raster_kernels(Isa::kPortable).paint(&polygon, 1, *samples);
    int wrong = 0, covered = 0;
    for_each_sample(*samples, [&](Place place, std::uint8_t ink) {
      const bool filled = is_filled_by_pygame(polygon, static_cast<int>(std::floor(place.x)), place.y);
      wrong += filled != (ink == static_cast<std::uint8_t>(Ink::kHull));
      covered += filled;
    });
    CHECK(wrong == 0);
    CHECK(covered > 100);
  }
}

TEST(plain_polygons_one_pixel_high) {
  const DisplayPolygon polygon = polygon_of({{200, 500}, {400, 500}, {300, 500}, {250, 500}}, Brush::kPlain);
  const auto samples = blank();
  raster_kernels(Isa::kPortable).paint(&polygon, 1, *samples);
  for_each_sample(*samples, [&](Place place, std::uint8_t ink) {
    CHECK((ink != 0) == (place.y == 500 && place.x >= 200 && place.x < 401));
  });
}

// A smooth polygon with integer corners is half a pixel wider on each side, and 5/8 at slanted edges.
TEST(smooth_polygons_are_as_wide_as_their_outline) {
  const auto width_in = [](const DisplayPolygon& polygon) {
    const auto samples = blank();
    raster_kernels(Isa::kPortable).paint(&polygon, 1, *samples);
    double covered = 0;
    for_each_sample(*samples, [&](Place, std::uint8_t ink) { covered += ink != 0; });
    // Samples stand for 1000/192 pixels in x and, 8 for 25/3 rows, for 25/24 in y.
    return covered * kSurfaceWidth / kSamplesPerRow * 25 / 24;
  };
  const double upright = width_in(polygon_of({{200, 300}, {600, 300}, {600, 599}, {200, 599}}, Brush::kSmooth));
  CHECK(std::abs(upright / 300 - 401.25) < 0.6);
  const double slanted = width_in(polygon_of({{200, 200}, {600, 200}, {700, 799}, {300, 799}}, Brush::kSmooth));
  CHECK(std::abs(slanted / 600 - 401.25) < 0.6);
}

TEST(later_polygons_hide_earlier_ones) {
  const std::vector<DisplayPolygon> polygons{
      polygon_of({{100, 200}, {900, 200}, {900, 700}, {100, 700}}, Brush::kSmooth, Ink::kGrass),
      polygon_of({{300, 300}, {700, 300}, {700, 600}, {300, 600}}, Brush::kSmooth, Ink::kRoad0)};
  const auto samples = blank();
  raster_kernels(Isa::kPortable).paint(polygons.data(), polygons.size(), *samples);
  for_each_sample(*samples, [&](Place place, std::uint8_t ink) {
    const auto inside = [&](int margin, int left, int right, int low, int high) {
      return place.x > left + margin && place.x < right - margin && place.y > low + margin && place.y < high - margin;
    };
    if (inside(2, 300, 700, 300, 600))
      CHECK(ink == static_cast<std::uint8_t>(Ink::kRoad0));
    else if (inside(2, 100, 900, 200, 700) && !inside(-2, 300, 700, 300, 600))
      CHECK(ink == static_cast<std::uint8_t>(Ink::kGrass));
    else if (!inside(-2, 100, 900, 200, 700))
      CHECK(ink == 0);
  });
}

TEST(all_variants_paint_the_same_samples) {
  Random random(11);
  for (int round = 0; round < 60; ++round) {
    std::vector<DisplayPolygon> polygons;
    for (int i = 0; i < 40; ++i) polygons.push_back(random_polygon(random));
    std::unique_ptr<Samples> first;
    for (const Isa isa : supported_isas()) {
      auto samples = blank();
      raster_kernels(isa).paint(polygons.data(), polygons.size(), *samples);
      if (first)
        CHECK(samples->inks == first->inks);
      else
        first = std::move(samples);
    }
  }
}

TEST(all_variants_shade_by_the_rounded_mean) {
  Random random(12);
  Shades shades;
  for (auto& channel : shades)
    for (std::uint8_t& value : channel) value = static_cast<std::uint8_t>(random.below(256));
  shades[1][3] = 255;
  const auto samples = blank();
  for (std::uint8_t& ink : samples->inks) ink = static_cast<std::uint8_t>(random.chance(0.7) ? 3 : random.below(16));
  const auto planes = std::make_unique<Planes>();
  for (const Isa isa : supported_isas()) {
    for (Plane& plane : *planes) plane.fill(88);
    raster_kernels(isa).shade(*samples, shades, *planes);
    for (std::size_t channel = 0; channel < 3; ++channel)
      for (int row = 0; row < kSide; ++row)
        for (int column = 0; column < kSide; ++column) {
          int sum = 0;
          if (row < kVisibleRows)
            for (int k = 0; k < kRowsPerPixel; ++k)
              for (int half = 0; half < 2; ++half) sum += shades[channel][ink_at(*samples, row, k, 2 * column + half)];
          const int expected = row < kVisibleRows ? std::max(sum - 17, 0) / 16 : 88;
          CHECK((*planes)[channel][static_cast<std::size_t>(row * kSide + column)] == expected);
        }
  }
}

TEST(a_flat_area_is_two_below_its_colour) {
  const auto samples = blank();
  const auto planes = std::make_unique<Planes>();
  for (const Isa isa : supported_isas())
    for (int value = 0; value < 256; ++value) {
      Shades shades;
      for (auto& channel : shades) channel.fill(static_cast<std::uint8_t>(value));
      raster_kernels(isa).shade(*samples, shades, *planes);
      CHECK((*planes)[2][40] == std::max(value - 2, 0));
    }
}
