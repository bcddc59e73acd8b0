// pygame.transform.smoothscale from the 1000x800 surface to the 96x96 observation: which pixels weigh how much.
//
// Along one axis, in units of 1/16384 pixel, an output covers the rest of the pixel that the output before ended in
// (`carry`), whole pixels, and a part of the pixel that it ends in itself. What it gives for channel values is
//     (carried(v_carry) + sum of v_whole + carried(v_end)) * kReciprocal >> 16,   carried(v) = 4 v weight >> 16,
// first along x, then of the resulting bytes along y. A flat area of value v comes out as max(v - 2, 0).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "racing/render/camera.hpp"

namespace apexline::racing {

struct ScaleCell {
  std::int32_t carry = 0;  // pixel; -1 for none
  std::int32_t carry_weight = 0;
  std::int32_t end = 0;  // pixel; those after `carry` and before `end` are whole
  std::int32_t end_weight = 0;
};

template <int kLength>
struct Smoothscale {
  static constexpr std::int32_t kOne = 0x4000;
  static constexpr std::int32_t kSpace = kOne * kLength / kSide;
  static constexpr std::uint32_t kReciprocal = 0x40000000 / kSpace;

  static constexpr std::array<ScaleCell, kSide> cells() noexcept {
    std::array<ScaleCell, kSide> all{};
    ScaleCell cell{-1, 0, 0, 0};
    std::int32_t left = kSpace;
    std::size_t place = 0;
    for (std::int32_t pixel = 0; pixel < kLength && place < kSide; ++pixel) {
      if (left > kOne) {
        left -= kOne;
        continue;
      }
      cell.end = pixel;
      cell.end_weight = left;
      all[place++] = cell;
      cell = {pixel, kOne - left, 0, 0};
      left = kSpace - cell.carry_weight;
    }
    return all;
  }
};

constexpr std::uint32_t carried(std::uint32_t value, std::int32_t weight) noexcept {
  return 4 * value * static_cast<std::uint32_t>(weight) >> 16;
}

}  // namespace apexline::racing
