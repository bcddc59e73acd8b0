// Eight cars side by side, a car a SIMD lane, and the two steps that move them.
//
// A frame of the game is: `drive` (car_dynamics.py: pedals and tyres make forces, float64), then the contacts with
// the road (episode.hpp), then `solve` (Box2D's b2World::Step: joints, motion, sleep, float32).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "racing/physics/chassis.hpp"

namespace apexline::racing {

inline constexpr std::size_t kLanes = 8;
inline constexpr std::size_t kNumBodies = 1 + kNumWheels;
inline constexpr std::size_t kHullBody = kNumWheels;  // bodies 0 to 3 are the wheels

template <class T>
using Lane = std::array<T, kLanes>;
template <class T>
using WheelLanes = std::array<Lane<T>, kNumWheels>;
template <class T>
using BodyLanes = std::array<Lane<T>, kNumBodies>;

struct alignas(64) CarBlock {
  // Bodies: origin, turn, centre of mass, velocities. Units, radians, and units or radians a second.
  BodyLanes<float> x, y, sine, cosine, angle;
  BodyLanes<float> centre_x, centre_y;
  BodyLanes<float> velocity_x, velocity_y, spin;

  // Joints: what the last solve ended with (its warm start), and the target of the steering motor.
  WheelLanes<float> impulse_x, impulse_y, limit_impulse, motor_impulse;
  WheelLanes<std::int32_t> limit;  // -1 at the lower, 1 at the upper limit, else 0
  WheelLanes<float> motor_speed;   // radians a second

  WheelLanes<float> force_x, force_y;  // on the wheels' centres, from `drive` for the next `solve`
  Lane<float> rest_time;               // for which no body has moved, seconds

  Lane<double> steer, gas, brake;  // what the pedals do now; gas is ramped
  WheelLanes<double> omega;        // how fast a wheel rolls, radians a second
  WheelLanes<double> phase;        // how far it has rolled, radians

  WheelLanes<std::int64_t> on_road;  // -1 where a wheel touches a tile, else 0
  WheelLanes<std::int64_t> skids;    // -1 where the last `drive` demanded twice the friction there is, else 0
};

// Puts a new car into a lane, at rest at `position` (float64 as the track has it) and turned by `angle`.
void place_car(CarBlock& block, std::size_t lane, Point position, double angle) noexcept;

// CarRacing.step's pedal: gas comes on by at most 0.1 a frame, and goes off at once.
void press_gas(CarBlock& block, std::size_t lane, double gas) noexcept;

// Writes nothing but the lane, so other threads may use the other lanes meanwhile.
void copy_lane(const CarBlock& from, std::size_t from_lane, CarBlock& to, std::size_t to_lane) noexcept;

}  // namespace apexline::racing
