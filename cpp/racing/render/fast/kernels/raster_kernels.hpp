// The inner loops that draw the observation, one variant an instruction set; all give the same bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "racing/render/fast/sample_grid.hpp"
#include "support/isa_dispatch.hpp"

namespace apexline::racing {

// One colour channel of the 96x96 image, row by row.
using Plane = std::array<std::uint8_t, static_cast<std::size_t>(kSide) * kSide>;
using Planes = std::array<Plane, 3>;  // red, green, blue

// Each channel's value for each ink.
using Shades = std::array<std::array<std::uint8_t, kPaletteSize>, 3>;

struct RasterKernels {
  // Paints `count` polygons over the samples.
  //
  // A sample takes a polygon's ink where pygame paints its surface pixel. Of the antialiased outline it takes what is
  // covered by half or more; on average over an edge that covers as much.
  void (*paint)(const Polygon* polygons, std::size_t count, Samples& samples) noexcept;
  // The means of the samples as smoothscale rounds them, for rows 0 to 83 of the planes.
  void (*shade)(const Samples& samples, const Shades& shades, Planes& planes) noexcept;
  // (299 R + 587 G + 114 B + 500) / 1000 of the first `side` rows and of `side` columns from `left` on.
  void (*gray)(const Planes& planes, std::size_t left, std::size_t side, std::uint8_t* out) noexcept;
  // `count` pixels of three channels, channels last.
  void (*interleave)(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue, std::size_t count,
                     std::uint8_t* out) noexcept;

  static const RasterKernels kPortable, kAvx2, kAvx512;
};

// Precondition: supported(isa).
[[nodiscard]] inline const RasterKernels& raster_kernels(Isa isa) noexcept { return dispatch<RasterKernels>(isa); }

}  // namespace apexline::racing
