// The inner loops of the fast renderer, one variant per instruction set; all variants are bit-identical.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "racing/render/fast/area_filter.hpp"
#include "racing/render/fast/sample_grid.hpp"
#include "support/isa_dispatch.hpp"

namespace apexline::racing {

// One colour channel of the 96x96 image, row by row.
using Plane = std::array<std::uint8_t, static_cast<std::size_t>(kSide) * kSide>;
using Planes = std::array<Plane, 3>;  // red, green, blue

// The value of each channel for each ink.
using Shades = std::array<std::array<std::uint8_t, kMaxInks>, 3>;

struct RasterKernels {
  // Paints `count` polygons over the samples, in order.
  //
  // A sample gets a polygon's ink if pygame paints its pixel of the surface. Pixels of the antialiased outline count if
  // they are covered by half or more, which is the same area on average.
  void (*paint)(const DisplayPolygon* polygons, std::size_t count, Samples& samples) noexcept;
  // The means of the samples as smoothscale rounds them, for rows 0 to 83 of the planes.
  void (*shade)(const Samples& samples, const Shades& shades, Planes& planes) noexcept;
  // (299 R + 587 G + 114 B + 500) / 1000 of the first `rows` rows and of `columns` columns from `left` on.
  void (*gray)(const Planes& planes, std::size_t left, std::size_t rows, std::size_t columns,
               std::uint8_t* out) noexcept;
  // The area mean of one channel, filter.height() rows of filter.width() bytes. Writes up to AreaFilter::kOverrun bytes
  // behind them.
  void (*average)(const AreaFilter& filter, const Plane& plane, std::uint8_t* out) noexcept;
  std::size_t filter_window;  // of AreaFilter
  // `count` pixels of three channels, channels last.
  void (*interleave)(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue, std::size_t count,
                     std::uint8_t* out) noexcept;

  static const RasterKernels kPortable, kAvx2, kAvx512;
};

// Precondition: supported(isa).
[[nodiscard]] inline const RasterKernels& raster_kernels(Isa isa) noexcept { return dispatch<RasterKernels>(isa); }

}  // namespace apexline::racing
