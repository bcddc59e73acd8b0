// The states of eight cars, one per SIMD lane.
//
// A frame of the game is: `drive` (car_dynamics.py: forces of pedals and tyres, float64), then the contacts with the road
// (episode.hpp), then `solve` (Box2D's b2World::Step: joints, motion, sleep, float32); see car_kernels.hpp.
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
  // Bodies: origin, rotation, centre of mass, velocities. Units, radians, and units or radians per second.
  BodyLanes<float> x, y, sine, cosine, angle;
  BodyLanes<float> centre_x, centre_y;
  BodyLanes<float> velocity_x, velocity_y, spin;

  // Joints: impulses of the last solve (the warm start of the next), and the target of the steering motor.
  WheelLanes<float> impulse_x, impulse_y, limit_impulse, motor_impulse;
  WheelLanes<std::int32_t> limit;  // -1: at the lower limit, 1: at the upper, 0: at neither
  WheelLanes<float> motor_speed;  // radians per second

  WheelLanes<float> force_x, force_y;  // on the wheels' centres, set by `drive` for the next `solve`
  Lane<float> rest_time;  // time for which no body has moved, seconds

  Lane<double> steer, gas, brake;  // current controls; gas is ramped
  WheelLanes<double> omega;  // angular velocity of rolling, radians per second
  WheelLanes<double> phase;  // rolled angle, radians

  WheelLanes<std::int64_t> on_road;  // -1: the wheel touches a tile, else 0
  WheelLanes<std::int64_t> skids;  // -1: the last `drive` needed more than twice the friction limit, else 0
};

// Calls visit(fields...) with pointers to all members.
template <class Visit>
void visit_car_fields(const Visit& visit) {
  visit(&CarBlock::x, &CarBlock::y, &CarBlock::sine, &CarBlock::cosine, &CarBlock::angle, &CarBlock::centre_x,
        &CarBlock::centre_y, &CarBlock::velocity_x, &CarBlock::velocity_y, &CarBlock::spin, &CarBlock::impulse_x,
        &CarBlock::impulse_y, &CarBlock::limit_impulse, &CarBlock::motor_impulse, &CarBlock::limit,
        &CarBlock::motor_speed, &CarBlock::force_x, &CarBlock::force_y, &CarBlock::rest_time, &CarBlock::steer,
        &CarBlock::gas, &CarBlock::brake, &CarBlock::omega, &CarBlock::phase, &CarBlock::on_road, &CarBlock::skids);
}

// Largest |x| and |y| of a body, units: the rounding of float32 keeps cars from moving on from there.
inline constexpr float kFurthest = 0x1p26F;

// One car of a block, as a part of a saved state.
struct CarLane {
  CarBlock& block;
  std::size_t lane;

  template <class Archive>
  void serialize(Archive& archive) {
    visit_car_fields([&](auto... fields) { (serialize_rows(archive, block.*fields), ...); });
  }
  // Whether a deserialised car can occur, with any GameOptions.
  [[nodiscard]] bool is_possible() const noexcept;

 private:
  template <class Archive, class T>
  void serialize_rows(Archive& archive, Lane<T>& row) {
    archive(row[lane]);
  }
  template <class Archive, class T, std::size_t rows>
  void serialize_rows(Archive& archive, std::array<Lane<T>, rows>& all) {
    for (Lane<T>& row : all) archive(row[lane]);
  }
};

// Places a new car in a lane, at rest at `position` (units) and rotated by `angle` (radians).
void place_car(CarBlock& block, std::size_t lane, Point position, double angle) noexcept;

// Moves a car that was just placed with `angle` straight ahead, its wheels rolling with it; `speed` in units per second.
void roll_car(CarBlock& block, std::size_t lane, double angle, double speed) noexcept;

// Car.gas: the gas increases by at most 0.1 per frame and decreases at once.
void press_gas(CarBlock& block, std::size_t lane, double gas) noexcept;

// Writes only the target lane; other threads may use the other lanes at the same time.
void copy_lane(const CarBlock& from, std::size_t from_lane, CarBlock& to, std::size_t to_lane) noexcept;

}  // namespace apexline::racing
