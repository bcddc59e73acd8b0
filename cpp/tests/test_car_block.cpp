#include "racing/physics/car_block.hpp"

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

using namespace apexline::racing;
using namespace apexline::test;

namespace {

bool near(double a, double b, double within = 1e-5) { return std::abs(a - b) < within; }

const CarKernels& portable() { return CarKernels::kPortable; }

// A car with angle 0 that moves at this speed.
CarBlock moving_block(float velocity_x, float velocity_y) {
  CarBlock block = parked_block();
  for (int frame = 0; frame < 60; ++frame) CarKernels::kPortable.solve(block, kAllLanes);  // pulls the wheels in
  for (std::size_t body = 0; body < kNumBodies; ++body) {
    block.velocity_x[body].fill(velocity_x);
    block.velocity_y[body].fill(velocity_y);
  }
  return block;
}

}  // namespace

TEST(a_placed_car_is_at_rest_with_unturned_wheel_offsets) {
  Random random(1);
  CarBlock block;
  std::memset(static_cast<void*>(&block), 0x5A, sizeof(block));
  for (int round = 0; round < 100; ++round) {
    const auto lane = static_cast<std::size_t>(random.below(kLanes));
    const Point at{600 * random.unit() - 300, 600 * random.unit() - 300};
    const double angle = 8 * random.unit() - 4;
    place_car(block, lane, at, angle);
    const Vec2 centre = chassis().hull_body.centre_of_mass;
    const double sine = std::sin(angle);
    const double cosine = std::cos(angle);
    CHECK(block.x[kHullBody][lane] == static_cast<float>(at.x) && block.y[kHullBody][lane] == static_cast<float>(at.y));
    CHECK(near(block.centre_x[kHullBody][lane], at.x - sine * centre.y, 1e-4));
    CHECK(near(block.centre_y[kHullBody][lane], at.y + cosine * centre.y, 1e-4));
    for (std::size_t body = 0; body < kNumBodies; ++body) {
      CHECK(near(block.sine[body][lane], sine) && near(block.cosine[body][lane], cosine));
      CHECK(block.angle[body][lane] == static_cast<float>(angle));
      CHECK(block.velocity_x[body][lane] == 0 && block.velocity_y[body][lane] == 0 && block.spin[body][lane] == 0);
    }
    constexpr std::array<Point, kNumWheels> offsets{{{-1.1, 1.6}, {1.1, 1.6}, {-1.1, -1.64}, {1.1, -1.64}}};
    for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
      CHECK(block.x[wheel][lane] == static_cast<float>(at.x + offsets[wheel].x));
      CHECK(block.y[wheel][lane] == static_cast<float>(at.y + offsets[wheel].y));
      CHECK(block.impulse_x[wheel][lane] == 0 && block.impulse_y[wheel][lane] == 0 &&
            block.limit_impulse[wheel][lane] == 0 && block.motor_impulse[wheel][lane] == 0);
      CHECK(block.limit[wheel][lane] == 0 && block.motor_speed[wheel][lane] == 0 && block.omega[wheel][lane] == 0 &&
            block.phase[wheel][lane] == 0 && block.force_x[wheel][lane] == 0 && block.force_y[wheel][lane] == 0 &&
            block.on_road[wheel][lane] == 0 && block.skids[wheel][lane] == 0);
    }
    CHECK(block.rest_time[lane] == 0 && block.steer[lane] == 0 && block.gas[lane] == 0 && block.brake[lane] == 0);
  }
}

TEST(the_joints_pull_the_wheels_in) {
  CarBlock block{};
  for (std::size_t lane = 0; lane < kLanes; ++lane) place_car(block, lane, {10, -20}, 0.3 * static_cast<double>(lane));
  portable().solve(block, kAllLanes);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const CarPose pose = pose_of_car(block, lane);
    for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
      const Vec2 anchor = apply(pose.hull, chassis().anchors[wheel]);
      CHECK(std::hypot(anchor.x - pose.wheels[wheel].position.x, anchor.y - pose.wheels[wheel].position.y) < 0.02);
    }
  }
}

TEST(gas_increases_by_a_tenth_per_frame_and_decreases_at_once) {
  CarBlock block = parked_block();
  for (int frame = 1; frame <= 15; ++frame) {
    press_gas(block, 3, 7);  // clipped to 1
    CHECK(near(block.gas[3], std::min(0.1 * frame, 1.0), 1e-12));
  }
  CHECK(block.gas[3] == 1 && block.gas[2] == 0 && block.gas[4] == 0);
  press_gas(block, 3, 0.25);
  CHECK(block.gas[3] == 0.25);
  press_gas(block, 3, 0.3);
  CHECK(block.gas[3] == 0.25 + (0.3 - 0.25));
  press_gas(block, 3, -2);
  CHECK(block.gas[3] == 0);
}

TEST(copy_lane_copies_one_whole_lane) {
  Random random(2);
  CarBlock from;
  CarBlock to;
  const auto fill = [&random](CarBlock& block) {
    const auto bytes = random.bytes(sizeof(block));
    std::memcpy(static_cast<void*>(&block), bytes.data(), sizeof(block));
  };
  for (std::size_t from_lane = 0; from_lane < kLanes; ++from_lane) {
    fill(from);
    fill(to);
    const CarBlock before = to;
    const std::size_t to_lane = (from_lane * 3 + 1) % kLanes;
    copy_lane(from, from_lane, to, to_lane);
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      CHECK(lane_bits(to, lane) == (lane == to_lane ? lane_bits(from, from_lane) : lane_bits(before, lane)));
  }
  CHECK(lane_bits(from, 0).size() == 5 * 10 + 4 * 12 + 4);  // all rows of a block: a new field belongs in lane_bits
  CHECK(sizeof(CarBlock) >= (50 + 4 * 8) * 8 * sizeof(float) + (4 * 4 + 3) * 8 * sizeof(double) + 8 * sizeof(float));
}

TEST(the_engine_drives_the_rear_wheels) {
  CarBlock block = parked_block();
  block.gas.fill(0.5);
  portable().drive(block, kAllLanes, {});
  // dt * power * gas / inertia / (|omega| + 5), then the tyre's force of a wheel that spins against the ground.
  const double spun_up = 0.02 * 40000 * 0.5 / 1.6 / 5;
  const double force = std::min(spun_up * 0.54 * 82, 240.0);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    for (const std::size_t wheel : {0U, 1U}) {
      CHECK(block.omega[wheel][lane] == 0 && block.phase[wheel][lane] == 0 && block.force_y[wheel][lane] == 0);
    }
    for (const std::size_t wheel : {2U, 3U}) {
      CHECK(near(block.phase[wheel][lane], spun_up * 0.02, 1e-9));
      CHECK(near(block.omega[wheel][lane], spun_up - 0.02 * force * 0.54 / 1.6, 1e-9));
      CHECK(near(block.force_x[wheel][lane], 0) && near(block.force_y[wheel][lane], force, 1e-4));
      CHECK(block.skids[wheel][lane] == -1);  // a force of 2214 with a limit of 240
    }
  }
}

TEST(a_sliding_wheel_has_the_friction_of_its_ground) {
  CarBlock block = moving_block(0, 30);
  block.brake.fill(1);
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel)
    for (std::size_t lane = 0; lane < kLanes; ++lane) block.on_road[wheel][lane] = lane % 2 == 0 ? -1 : 0;
  portable().drive(block, kAllLanes, {});
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
      const double limit = lane % 2 == 0 ? 400 : 240;
      CHECK(near(block.force_y[wheel][lane], -limit, 1e-3) && near(block.force_x[wheel][lane], 0, 1e-3));
      CHECK(near(block.omega[wheel][lane], 0.02 * limit * 0.54 / 1.6, 1e-6));
    }
}

TEST(a_wheel_skids_beyond_twice_its_friction_limit) {
  for (const bool on_road : {false, true}) {
    const double limit = on_road ? 400 : 240;
    for (const double share : {0.5, 0.99, 1.01, 1.99, 2.01}) {
      CarBlock block = moving_block(static_cast<float>(share * limit / 82), 0);
      for (auto& lanes : block.on_road) lanes.fill(on_road ? -1 : 0);
      portable().drive(block, kAllLanes, {});
      for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
        CHECK(near(block.force_x[wheel][5], -std::min(share, 1.0) * limit, 1e-2));
        CHECK(block.skids[wheel][5] == (share > 2 ? -1 : 0));
      }
    }
  }
}

TEST(the_brake_slows_by_15_per_frame_and_locks_from_nine_tenths) {
  struct Case {
    double brake, omega, left;
  };
  for (const auto& [brake, omega, left] :
       {Case{0.5, 40, 32.5}, Case{0.5, -40, -32.5}, Case{0.5, 5, 0}, Case{0.5, -5, 0}, Case{0, 40, 40},
        Case{-1, 40, 40}, Case{0.899, 40, 40 - 15 * 0.899}, Case{0.9, 40, 0}, Case{3, -40, 0}, Case{0.5, 0, 0}}) {
    CarBlock block = parked_block();
    block.brake.fill(brake);
    for (auto& lanes : block.omega) lanes.fill(omega);
    portable().drive(block, kAllLanes, {});
    for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) CHECK(near(block.phase[wheel][1], left * 0.02, 1e-9));
  }
}

TEST(only_front_wheels_steer_at_3_radians_per_second) {
  CarBlock block = parked_block();
  for (std::size_t lane = 0; lane < kLanes; ++lane) block.steer[lane] = 0.04 * static_cast<double>(lane) - 0.1;
  portable().drive(block, kAllLanes, {});
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const double target = std::clamp(50 * block.steer[lane], -3.0, 3.0);
    CHECK(near(block.motor_speed[0][lane], target) && near(block.motor_speed[1][lane], target));
    CHECK(block.motor_speed[2][lane] == 0 && block.motor_speed[3][lane] == 0);
  }
}

TEST(steering_ends_at_the_joints_limits) {
  CarBlock block = parked_block();
  for (std::size_t lane = 0; lane < kLanes; ++lane) block.steer[lane] = lane % 2 == 0 ? 2 : -2;
  for (int frame = 0; frame < 50; ++frame) {
    portable().drive(block, kAllLanes, {});
    portable().solve(block, kAllLanes);
  }
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const double side = lane % 2 == 0 ? 1 : -1;
    for (const std::size_t wheel : {0U, 1U}) {
      CHECK(block.limit[wheel][lane] == static_cast<int>(side));
      CHECK(near(block.angle[wheel][lane] - block.angle[kHullBody][lane], 0.4 * side, 0.04));
    }
    for (const std::size_t wheel : {2U, 3U}) CHECK(block.limit[wheel][lane] == 0);
  }
}

TEST(no_body_moves_more_than_2_units_per_frame) {
  for (const float speed : {99.0F, 101.0F, 250.0F}) {
    CarBlock block = moving_block(0.6F * speed, 0.8F * speed);
    const CarBlock before = block;
    portable().solve(block, kAllLanes);
    const double kept = std::min(speed, 100.0F);
    for (std::size_t body = 0; body < kNumBodies; ++body) {
      CHECK(near(block.velocity_x[body][6], 0.6 * kept, 0.02) && near(block.velocity_y[body][6], 0.8 * kept, 0.02));
      CHECK(near(block.centre_x[body][6] - before.centre_x[body][6], 0.6 * kept * 0.02, 1e-3));
      CHECK(near(block.centre_y[body][6] - before.centre_y[body][6], 0.8 * kept * 0.02, 1e-3));
    }
  }
}

TEST(no_body_rotates_more_than_a_quarter_turn_per_frame) {
  CarBlock block = moving_block(0, 0);
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) block.spin[wheel].fill(5000);
  block.spin[kHullBody].fill(5000);
  portable().solve(block, kAllLanes);
  const double most = 0.5 * 3.14159265359 / 0.02;
  CHECK(near(block.spin[kHullBody][0], most, 1e-3));
}

TEST(a_car_at_rest_falls_asleep_after_half_a_second) {
  CarBlock block = moving_block(0.005F, 0);  // below the tolerance of 0.01 units per second
  block.rest_time.fill(0);
  const float step = 0.02F;
  float rested = 0;
  int frames = 0;
  while (rested < 0.5F) {
    CHECK(block.rest_time[2] == rested);
    CHECK(block.velocity_x[kHullBody][2] != 0);
    portable().solve(block, kAllLanes);
    rested += step;
    ++frames;
  }
  CHECK(frames == 25 || frames == 26);
  CHECK(block.rest_time[2] == 0);
  for (std::size_t body = 0; body < kNumBodies; ++body)
    CHECK(block.velocity_x[body][2] == 0 && block.velocity_y[body][2] == 0 && block.spin[body][2] == 0);
}

// Sixty passes of at most 8 degrees each cannot correct a wheel that is 12 radians past its limit.
TEST(a_car_with_joint_errors_stays_awake) {
  CarBlock block = moving_block(0, 0);
  block.rest_time.fill(0.49F);
  CarBlock turned = block;
  for (float& angle : turned.angle[1]) angle += 12;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    turned.sine[1][lane] = std::sin(turned.angle[1][lane]);
    turned.cosine[1][lane] = std::cos(turned.angle[1][lane]);
  }
  CarBlock naive = turned;
  portable().solve(block, kAllLanes);
  portable().solve(turned, kAllLanes);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    NaiveCar(naive, lane).solve();
    CHECK(lane_bits(naive, lane) == lane_bits(turned, lane));
    CHECK(block.rest_time[lane] == 0 && turned.rest_time[lane] > 0.5F);
    CHECK(turned.angle[1][lane] - turned.angle[kHullBody][lane] > 1);
  }
}

TEST(a_slowly_moving_car_stays_awake) {
  CarBlock slow = moving_block(0.02F, 0);
  for (int frame = 0; frame < 60; ++frame) portable().solve(slow, kAllLanes);
  CHECK(slow.rest_time[0] == 0 && near(slow.velocity_x[kHullBody][0], 0.02, 1e-3));

  CarBlock turning = moving_block(0, 0);
  for (auto& lanes : turning.spin) lanes.fill(0.05F);  // above 2 degrees per second
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {  // as a rigid body
    const Vec2 arm{chassis().anchors[wheel].x, chassis().anchors[wheel].y - chassis().hull_body.centre_of_mass.y};
    turning.velocity_x[wheel].fill(-0.05F * arm.y);
    turning.velocity_y[wheel].fill(0.05F * arm.x);
  }
  for (int frame = 0; frame < 60; ++frame) portable().solve(turning, kAllLanes);
  CHECK(turning.rest_time[0] == 0 && turning.spin[kHullBody][0] > 0.04F);
}
