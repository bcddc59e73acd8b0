// Car.step of car_dynamics.py for eight cars: the forces of pedals and tyres, in float64.
#pragma once

#include "racing/physics/kernels/lanes.hpp"

namespace apexline::racing {
namespace {

constexpr double kDt = 1.0 / kFramesPerSecond;  // seconds
constexpr double kFullBrake = 0.9;              // brake values from here on lock the wheels

// numpy.sign
inline Doubles sign(Doubles v) noexcept {
  const Doubles zero{};
  const Doubles one = zero + 1.0;
  return v > 0 ? one : (v < 0 ? -one : zero);
}

inline Doubles braked(Doubles omega, Doubles brake) noexcept {
  const Doubles zero{};
  const Doubles speed = absolute(omega);
  Doubles change = kBrakeForce * brake;
  change = absolute(change) > speed ? speed : change;
  const Doubles slowed = omega + -sign(omega) * change;
  return brake >= kFullBrake ? zero : (brake > 0 ? slowed : omega);
}

struct Tyre {
  Doubles omega;
  Doubles force_x;
  Doubles force_y;
  Longs skids;
};

// The tyre's force on the wheel and the change of `omega` by it.
inline Tyre grip(Doubles omega, Floats sine, Floats cosine, Floats velocity_x, Floats velocity_y, Longs on_road,
                 double friction_limit) noexcept {
  const Doubles zero{};
  const Doubles forward_x = widened(-sine);
  const Doubles forward_y = widened(cosine);
  const Doubles side_x = widened(cosine);
  const Doubles side_y = widened(sine);
  const Doubles vx = widened(velocity_x);
  const Doubles vy = widened(velocity_y);
  const Doubles forward_speed = forward_x * vx + forward_y * vy;
  const Doubles side_speed = side_x * vx + side_y * vy;

  Doubles forward_force = (-forward_speed + omega * kWheelRadius) * kSlipStiffness;
  Doubles side_force = -side_speed * kSlipStiffness;
  const Doubles force = root(forward_force * forward_force + side_force * side_force);
  const Doubles limit = on_road ? zero + friction_limit : zero + friction_limit * kGrassFriction;
  const Longs slides = force > limit;
  forward_force = slides ? forward_force / force * limit : forward_force;
  side_force = slides ? side_force / force * limit : side_force;

  return {omega - kDt * forward_force * kWheelRadius / kWheelMomentOfInertia,
          side_force * side_x + forward_force * forward_x, side_force * side_y + forward_force * forward_y,
          force > 2.0 * limit};
}

void drive_block(CarBlock& block, LaneMask moved, const DriveConstants& constants) noexcept {
  const Ints moves = mask_of(moved);
  const Longs moves_long = widened(moves);
  const Doubles brake = load(block.brake);
  const Floats hull_angle = load(block.angle[kHullBody]);
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
    const bool is_front = wheel < 2;
    const Doubles steer = is_front ? load(block.steer) : Doubles{};
    const Doubles gas = is_front ? Doubles{} : load(block.gas);

    const Doubles error = steer - widened(load(block.angle[wheel]) - hull_angle);
    const Doubles speed = 50.0 * absolute(error);
    const Doubles top_speed = Doubles{} + 3.0;
    const Floats motor_speed = narrowed(sign(error) * (top_speed < speed ? top_speed : speed));

    const Doubles omega_before = load(block.omega[wheel]);
    const Doubles pushed =
        omega_before + kDt * constants.engine_power * gas / kWheelMomentOfInertia / (absolute(omega_before) + 5.0);
    const Doubles omega = braked(pushed, brake);
    const Doubles phase_before = load(block.phase[wheel]);
    const Doubles phase = phase_before + omega * kDt;

    const Tyre tyre = grip(omega, load(block.sine[wheel]), load(block.cosine[wheel]), load(block.velocity_x[wheel]),
                           load(block.velocity_y[wheel]), load(block.on_road[wheel]), constants.friction_limit);

    store(block.motor_speed[wheel], moves ? motor_speed : load(block.motor_speed[wheel]));
    store(block.omega[wheel], moves_long ? tyre.omega : omega_before);
    store(block.phase[wheel], moves_long ? phase : phase_before);
    store(block.force_x[wheel], moves ? narrowed(tyre.force_x) : load(block.force_x[wheel]));
    store(block.force_y[wheel], moves ? narrowed(tyre.force_y) : load(block.force_y[wheel]));
    store(block.skids[wheel], moves_long ? tyre.skids : load(block.skids[wheel]));
  }
}

}  // namespace
}  // namespace apexline::racing
