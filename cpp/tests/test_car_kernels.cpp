// The kernels against a naive solver, against each other and across lanes.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "check.hpp"
#include "games.hpp"
#include "naive_car.hpp"
#include "racing/physics/kernels/car_kernels.hpp"
#include "variants.hpp"

using namespace apexline::racing;
using namespace apexline::test;

namespace {

const CarKernels& portable() { return CarKernels::kPortable; }

// Drives eight cars wildly; calls check(frame, block before, block after) after every solve.
template <class Check>
void drive_around(const CarKernels& kernels, std::uint64_t seed, int num_frames, Check check,
                  const DriveConstants& constants = {}) {
  Random random(seed);
  CarBlock block{};
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    place_car(block, lane, {200 * random.unit() - 100, 200 * random.unit() - 100}, 6 * random.unit() - 3);
  std::array<Pedals, kLanes> pedals{};
  for (int frame = 0; frame < num_frames; ++frame) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      if (random.chance(0.1)) pedals[lane] = drive_wildly(random);
      press(block, lane, pedals[lane]);
      for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel)
        if (random.chance(0.02)) block.on_road[wheel][lane] = -1 - block.on_road[wheel][lane];
    }
    // Beyond any real crash: a body is thrown, the car torn apart, a wheel rotated.
    if (frame % 20 == 19) {
      const auto lane = static_cast<std::size_t>(random.below(kLanes));
      const auto body = static_cast<std::size_t>(random.below(kNumBodies));
      block.velocity_x[body][lane] += static_cast<float>(400 * random.unit() - 200);
      block.spin[body][lane] += static_cast<float>(200 * random.unit() - 100);
      block.centre_x[body][lane] += static_cast<float>(random.unit());
      const auto wheel = static_cast<std::size_t>(random.below(kNumWheels));  // from one limit to the other
      float& angle = block.angle[wheel][lane];
      angle += angle > block.angle[kHullBody][lane] ? -1.0F : 1.0F;
      block.sine[wheel][lane] = std::sin(angle);
      block.cosine[wheel][lane] = std::cos(angle);
      block.limit[wheel][lane] = static_cast<std::int32_t>(random.below(3)) - 1;
      block.limit_impulse[wheel][lane] = static_cast<float>(random.unit() - 0.5);
    }
    kernels.drive(block, kAllLanes, constants);
    const CarBlock before = block;
    kernels.solve(block, kAllLanes);
    check(frame, before, block);
  }
}

}  // namespace

TEST(the_kernels_equal_the_naive_solver) {
  int num_limited = 0;
  int num_capped = 0;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    drive_around(portable(), seed, 200, [&](int frame, const CarBlock& before, const CarBlock& after) {
      CarBlock naive = before;
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        NaiveCar(naive, lane).solve();
        if (lane_bits(naive, lane) != lane_bits(after, lane))
          fail(__FILE__, __LINE__, "seed " + std::to_string(seed) + ", frame " + std::to_string(frame));
        for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
          num_limited += after.limit[wheel][lane] != 0;
          num_capped += std::hypot(after.velocity_x[wheel][lane], after.velocity_y[wheel][lane]) > 99.9F;
        }
      }
    });
  }
  CHECK(num_limited > 1000 && num_capped > 5);
}

TEST(the_kernels_equal_the_naive_solver_for_a_car_that_comes_to_rest) {
  CarBlock block = parked_block();
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    place_car(block, lane, {3, 4}, 0.5 * static_cast<double>(lane));
    block.brake[lane] = 1;
    for (std::size_t body = 0; body < kNumBodies; ++body) block.velocity_x[body][lane] = static_cast<float>(lane);
  }
  bool has_slept = false;
  for (int frame = 0; frame < 150; ++frame) {
    portable().drive(block, kAllLanes, {});
    CarBlock naive = block;
    portable().solve(block, kAllLanes);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      NaiveCar(naive, lane).solve();
      CHECK(lane_bits(naive, lane) == lane_bits(block, lane));
    }
    has_slept |= frame > 0 && block.velocity_x[0][7] == 0 && block.velocity_y[0][7] == 0 && block.spin[0][7] == 0;
  }
  CHECK(has_slept);
}

TEST(all_instruction_sets_are_bit_identical) {
  for (const DriveConstants& constants : {DriveConstants{}, DriveConstants{kFrictionLimit * 1.3, kEnginePower * 2.1}}) {
    for (const apexline::Isa isa : supported_isas()) {
      std::vector<CarBlock> expected;
      drive_around(
          portable(), 4, 300, [&](int, const CarBlock&, const CarBlock& after) { expected.push_back(after); },
          constants);
      std::size_t frame = 0;
      drive_around(
          car_kernels(isa), 4, 300,
          [&](int, const CarBlock&, const CarBlock& after) {
            for (std::size_t lane = 0; lane < kLanes; ++lane)
              CHECK(lane_bits(after, lane) == lane_bits(expected[frame], lane));
            ++frame;
          },
          constants);
    }
  }
}

TEST(a_car_does_not_depend_on_its_lane_or_the_other_lanes) {
  for (const apexline::Isa isa : supported_isas()) {
    const CarKernels& kernels = car_kernels(isa);
    std::vector<CarBlock> history;
    drive_around(kernels, 5, 120, [&](int, const CarBlock& before, const CarBlock&) { history.push_back(before); });
    CarBlock alone = parked_block();
    CarBlock moved = parked_block();
    for (std::size_t frame = 0; frame < history.size(); ++frame) {
      CarBlock after = history[frame];
      kernels.drive(after, kAllLanes, {});
      kernels.solve(after, kAllLanes);
      const std::size_t lane = frame % kLanes;
      const std::size_t other = (frame / kLanes + frame) % kLanes;
      alone = parked_block();
      copy_lane(history[frame], lane, alone, other);
      kernels.drive(alone, kAllLanes, {});
      kernels.solve(alone, kAllLanes);
      CHECK(lane_bits(alone, other) == lane_bits(after, lane));
      moved = history[(frame + 40) % history.size()];  // next to other cars
      copy_lane(history[frame], lane, moved, other);
      kernels.drive(moved, 1U << other, {});
      kernels.solve(moved, 1U << other);
      CHECK(lane_bits(moved, other) == lane_bits(after, lane));
    }
  }
}

TEST(lanes_that_are_not_moved_are_unchanged) {
  Random random(6);
  for (const apexline::Isa isa : supported_isas()) {
    const CarKernels& kernels = car_kernels(isa);
    drive_around(kernels, 6, 60, [&](int, const CarBlock& before, const CarBlock&) {
      const auto moved = static_cast<LaneMask>(random.below(256));
      CarBlock driven = before;
      kernels.drive(driven, moved, {});
      CarBlock all_driven = before;
      kernels.drive(all_driven, kAllLanes, {});
      CarBlock solved = before;
      kernels.solve(solved, moved);
      CarBlock all_solved = before;
      kernels.solve(all_solved, kAllLanes);
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const bool moves = (moved >> lane & 1U) != 0;
        CHECK(lane_bits(driven, lane) == lane_bits(moves ? all_driven : before, lane));
        CHECK(lane_bits(solved, lane) == lane_bits(moves ? all_solved : before, lane));
      }
    });
  }
}
