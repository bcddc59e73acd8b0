// The two physics steps of a block of cars, one variant per instruction set; all variants are bit-identical.
#pragma once

#include <cstdint>

#include "racing/physics/car_block.hpp"
#include "support/isa_dispatch.hpp"

namespace apexline::racing {

// The lanes that a step moves: bit i is lane i. The others are left unchanged.
using LaneMask = std::uint32_t;
inline constexpr LaneMask kAllLanes = (1U << kLanes) - 1;

// The constants of car_dynamics.py that a game can change; by default those of the stock game.
struct DriveConstants {
  double friction_limit = kFrictionLimit;  // FRICTION_LIMIT of a wheel on the road
  double engine_power = kEnginePower;      // ENGINE_POWER
};

struct CarKernels {
  void (*drive)(CarBlock& block, LaneMask moved, const DriveConstants& constants) noexcept;
  void (*solve)(CarBlock& block, LaneMask moved) noexcept;
  // The same as two calls of `solve`, but faster: the arithmetic of one block is a single long dependency chain, and
  // two chains overlap.
  void (*solve_pair)(CarBlock& first, LaneMask first_moved, CarBlock& second, LaneMask second_moved) noexcept;

  static const CarKernels kPortable, kAvx2, kAvx512;
};

// Precondition: supported(isa).
[[nodiscard]] inline const CarKernels& car_kernels(Isa isa) noexcept { return dispatch<CarKernels>(isa); }

}  // namespace apexline::racing
