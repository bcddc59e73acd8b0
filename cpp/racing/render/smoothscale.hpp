// The arithmetic of pygame.transform.smoothscale for images that become smaller, used by both renderers.
//
// Each side is scaled on its own, first the rows along x, then the resulting bytes along y. An output pixel covers the
// rest of the pixel that the output before it ended in (`carry`), whole pixels, and a part of the pixel that it ends in
// (`end`). Of channel values v it is
//     mean(weighted(v_carry, carry_weight) + sum of v_whole + weighted(v_end, end_weight)).
// Every step rounds down: a flat area of value v becomes max(v - 2, 0) on the way from 1000x800 to 96x96.
//
// Equal, byte for byte, to pygame-ce 2.5.8 with its backend "SSE2", which it chooses on every x86-64 processor ("NEON"
// runs the same functions). Its backend "GENERIC" keeps two more bits of each weight, and differs.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace apexline::racing {

inline constexpr std::int32_t kWholePixel = 1 << 14;  // weight of a pixel that an output covers entirely

struct ScaleCell {
  std::int32_t carry = -1;  // pixel; -1: none
  std::int32_t carry_weight = 0;
  std::int32_t end = 0;  // pixel; those after `carry` and before `end` are covered entirely
  std::int32_t end_weight = 0;
};

// Scaling of one side from `from` to `to` pixels. Precondition: 1 <= to <= from <= 256 * to and from <= 16384.
struct ScaledSide {
  constexpr ScaledSide(std::int32_t from_pixels, std::int32_t to_pixels) noexcept
      : from(from_pixels),
        to(to_pixels),
        span(kWholePixel * from / to),
        reciprocal((std::uint32_t{1} << 30) / static_cast<std::uint32_t>(span)) {}

  // The output for a weighted sum of channel values, which has 16 bits at most: 255 times 256 pixels.
  [[nodiscard]] constexpr std::uint8_t mean(std::uint32_t sum) const noexcept {
    return static_cast<std::uint8_t>(std::min(sum * reciprocal >> 16, 255U));
  }

  std::int32_t from;
  std::int32_t to;
  std::int32_t span;  // of an output pixel, in weights
  std::uint32_t reciprocal;  // 2**30 / span
};

// A channel value times weight / kWholePixel, rounded down.
[[nodiscard]] constexpr std::uint32_t weighted(std::uint32_t value, std::int32_t weight) noexcept {
  return value * static_cast<std::uint32_t>(weight) >> 14;
}

// The cells of the side's outputs in order. Precondition: cells.size() == side.to.
constexpr void list_cells(const ScaledSide& side, std::span<ScaleCell> cells) noexcept {
  ScaleCell cell;
  std::int32_t missing = side.span;
  std::size_t place = 0;
  for (std::int32_t pixel = 0; pixel < side.from && place < cells.size(); ++pixel) {
    if (missing > kWholePixel) {
      missing -= kWholePixel;
      continue;
    }
    cell.end = pixel;
    cell.end_weight = missing;
    cells[place++] = cell;
    cell = {pixel, kWholePixel - missing, 0, 0};
    missing = side.span - cell.carry_weight;
  }
}

}  // namespace apexline::racing
