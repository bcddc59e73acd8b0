// Seeded random states, a driver that follows the road, a driver that does not, and cars as bytes.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "racing/game/episode.hpp"
#include "random.hpp"

namespace apexline::test {

inline racing::Pcg64::State game_seed(std::uint64_t seed) {
  Random random(seed);
  const auto word = [&random] {
    std::uint64_t value = 0;
    std::memcpy(&value, random.bytes(sizeof(value)).data(), sizeof(value));
    return value;
  };
  return {.state_high = word(), .state_low = word(), .increment_high = word(), .increment_low = word() | 1};
}

struct Pedals {
  double steer = 0;  // 1: right
  double gas = 0;
  double brake = 0;
};

// Towards the node five tiles after the nearest.
inline Pedals follow_lane(const racing::Episode& episode, const racing::CarBlock& block, std::size_t lane) {
  using racing::kHullBody;
  const auto& nodes = episode.track().nodes;
  const double x = block.x[kHullBody][lane];
  const double y = block.y[kHullBody][lane];
  const auto nearest = std::min_element(nodes.begin(), nodes.end(), [&](const auto& a, const auto& b) {
    return std::hypot(a.x - x, a.y - y) < std::hypot(b.x - x, b.y - y);
  });
  const auto& target = nodes[static_cast<std::size_t>(nearest - nodes.begin() + 5) % nodes.size()];
  const double forward_x = -std::sin(static_cast<double>(block.angle[kHullBody][lane]));
  const double forward_y = std::cos(static_cast<double>(block.angle[kHullBody][lane]));
  const double dx = target.x - x;
  const double dy = target.y - y;
  const double error = std::atan2(forward_x * dy - forward_y * dx, forward_x * dx + forward_y * dy);
  const double speed = std::hypot(block.velocity_x[kHullBody][lane], block.velocity_y[kHullBody][lane]);
  return {std::clamp(-2 * error, -1.0, 1.0), speed < 50 ? 1.0 : 0.0, 0};
}

// Mostly gas and full steering, sometimes the brake: joints at their limits and a sliding car.
inline Pedals drive_wildly(Random& random) {
  return {2.4 * random.unit() - 1.2, random.chance(0.8) ? 1.0 : random.unit(), random.chance(0.1) ? random.unit() : 0};
}

inline void press(racing::CarBlock& block, std::size_t lane, const Pedals& pedals) {
  block.steer[lane] = -pedals.steer;
  block.brake[lane] = pedals.brake;
  racing::press_gas(block, lane, pedals.gas);
}

// All values of a lane, as bits.
inline std::vector<std::uint64_t> lane_bits(const racing::CarBlock& block, std::size_t lane) {
  std::vector<std::uint64_t> bits;
  const auto take = [&](auto value) {
    if constexpr (sizeof(value) == sizeof(std::uint64_t))
      bits.push_back(std::bit_cast<std::uint64_t>(value));
    else
      bits.push_back(std::bit_cast<std::uint32_t>(value));
  };
  const auto rows = [&](const auto&... fields) {
    const auto each = [&](const auto& field) {
      for (const auto& row : field) take(row[lane]);
    };
    (each(fields), ...);
  };
  rows(block.x, block.y, block.sine, block.cosine, block.angle, block.centre_x, block.centre_y, block.velocity_x,
       block.velocity_y, block.spin, block.impulse_x, block.impulse_y, block.limit_impulse, block.motor_impulse,
       block.limit, block.motor_speed, block.force_x, block.force_y, block.omega, block.phase, block.on_road,
       block.skids);
  take(block.rest_time[lane]);
  take(block.steer[lane]);
  take(block.gas[lane]);
  take(block.brake[lane]);
  return bits;
}

// A block of cars at rest at the origin.
inline racing::CarBlock parked_block() {
  racing::CarBlock block{};
  for (std::size_t lane = 0; lane < racing::kLanes; ++lane) racing::place_car(block, lane, {}, 0);
  return block;
}

inline racing::CarPose pose_of_car(const racing::CarBlock& block, std::size_t lane) {
  const auto transform = [&](std::size_t body) {
    return racing::Transform{
        {block.x[body][lane], block.y[body][lane]}, block.sine[body][lane], block.cosine[body][lane]};
  };
  racing::CarPose pose;
  pose.hull = transform(racing::kHullBody);
  for (std::size_t wheel = 0; wheel < racing::kNumWheels; ++wheel) pose.wheels[wheel] = transform(wheel);
  return pose;
}

}  // namespace apexline::test
