// The polygons that the game draws before the indicators, in its order and in pixels of its 1000x800 surface.
//
// Corners are those that CarRacing._render passes to pygame: the same float64 and float32 operations in the same order,
// truncated towards zero. The surface is the one before the flip, so y grows upwards.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "racing/base/scene.hpp"
#include "racing/render/camera.hpp"

namespace apexline::racing {

enum class Ink : std::uint8_t {
  kOutside,  // outside of the field
  kField,
  kGrass,
  kRoad0,
  kRoad1,
  kRoad2,
  kWhite,
  kRed,
  kTyre,
  kTyreMark,
  kHull,
};

// The function of pygame that paints a polygon.
enum class Brush : std::uint8_t {
  kSmooth,  // gfxdraw.aapolygon, then gfxdraw.filled_polygon
  kPlain,  // draw.polygon
};

struct DisplayPolygon {
  static constexpr int kMaxCorners = 8;

  std::array<std::int16_t, kMaxCorners> x{};
  std::array<std::int16_t, kMaxCorners> y{};
  std::uint8_t num_corners = 0;
  Ink ink = Ink::kOutside;
  Brush brush = Brush::kSmooth;
};

inline constexpr std::size_t kMaxInks = 16;

// The colour of each ink.
[[nodiscard]] std::array<Rgb, kMaxInks> ink_colours(const Colours& colours) noexcept;

// Whether the convex polygon covers the whole image above the indicators.
[[nodiscard]] bool fills_image(const DisplayPolygon& polygon) noexcept;

// Replaces `polygons` by those that are visible above the indicators, the field first. O(tiles + kerbs). Allocates only
// if there are more polygons than in any call before. Precondition: no tile or kerb is more than Track::kMaxAcross across,
// so that the coordinates of visible ones have 16 bits. One of more than 23.5 units, as at the ends of one lap in ten
// thousand, may be left out at the edge of the image.
void list_polygons(const Scene& scene, std::vector<DisplayPolygon>& polygons);

}  // namespace apexline::racing
