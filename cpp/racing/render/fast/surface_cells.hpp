// The weights with which smoothscale makes a 96x96 observation of the 1000x800 surface, as compile-time tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "racing/render/camera.hpp"
#include "racing/render/smoothscale.hpp"

namespace apexline::racing {

using SideCells = std::array<ScaleCell, kSide>;

constexpr SideCells cells_of(const ScaledSide& side) noexcept {
  SideCells cells;
  list_cells(side, cells);
  return cells;
}

inline constexpr ScaledSide kAcross{kSurfaceWidth, kSide};
inline constexpr ScaledSide kDown{kSurfaceHeight, kSide};
inline constexpr SideCells kColumnCells = cells_of(kAcross);
inline constexpr SideCells kRowCells = cells_of(kDown);

// An output at or before the first one that `pixel` contributes to, at most one too early.
constexpr std::size_t first_cell(const ScaledSide& side, std::int32_t pixel) noexcept {
  const auto guess = static_cast<std::size_t>(pixel * side.to / side.from);
  return guess > 0 ? guess - 1 : 0;
}

}  // namespace apexline::racing
