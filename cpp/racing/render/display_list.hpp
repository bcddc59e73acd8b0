// What the game paints below the indicators, in its order: polygons in the pixels of its 1000x800 surface.
//
// Corners are what CarRacing._render hands to pygame: the same float64 and float32 operations in the same order,
// truncated towards zero. The surface is the one before the flip, so y grows upwards.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "racing/base/scene.hpp"
#include "racing/render/camera.hpp"

namespace apexline::racing {

enum class Ink : std::uint8_t {
  kOutside,  // beyond the field
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

// Which of pygame's routines paints it.
enum class Brush : std::uint8_t {
  kSmooth,  // gfxdraw.aapolygon, then gfxdraw.filled_polygon
  kPlain,   // draw.polygon
};

struct Polygon {
  static constexpr int kMaxCorners = 8;

  std::array<std::int16_t, kMaxCorners> x{};
  std::array<std::int16_t, kMaxCorners> y{};
  std::uint8_t num_corners = 0;
  Ink ink = Ink::kOutside;
  Brush brush = Brush::kSmooth;
};

inline constexpr std::size_t kPaletteSize = 16;

// The colour of each ink.
[[nodiscard]] std::array<Rgb, kPaletteSize> palette(const Colours& colours) noexcept;

// Whether the polygon, which is convex, covers all that can be seen above the indicators' box.
[[nodiscard]] bool fills_image(const Polygon& polygon) noexcept;

// Replaces what `polygons` holds by what the scene shows above the indicators' box, the field first; what lies
// elsewhere is left out. O(tiles + kerbs). Memory is taken only where there are more polygons than ever before.
// Precondition: no tile or kerb measures more than 23.5 units across, as in the game, whose largest measure about 15.
void list_polygons(const Scene& scene, std::vector<Polygon>& polygons);

}  // namespace apexline::racing
