#include "racing/physics/car_block.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace apexline::racing {
namespace {

constexpr double kGasRamp = 0.1;  // largest increase per frame

// Copies one lane of each row and counts the bytes of the rows.
class LaneCopier {
 public:
  LaneCopier(std::size_t from, std::size_t to) noexcept : from_(from), to_(to) {}

  template <class T>
  void operator()(const Lane<T>& source, Lane<T>& target) noexcept {
    target[to_] = source[from_];
    bytes_ += sizeof(source);
  }
  template <class T, std::size_t rows>
  void operator()(const std::array<Lane<T>, rows>& source, std::array<Lane<T>, rows>& target) noexcept {
    for (std::size_t row = 0; row < rows; ++row) (*this)(source[row], target[row]);
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::size_t from_;
  std::size_t to_;
  std::size_t bytes_ = 0;
};

}  // namespace

void place_car(CarBlock& block, std::size_t lane, Point position, double angle) noexcept {
  const Chassis& car = chassis();
  const auto turn = static_cast<float>(angle);
  const float sine = std::sin(turn);
  const float cosine = std::cos(turn);
  for (std::size_t body = 0; body < kNumBodies; ++body) {
    const bool is_hull = body == kHullBody;
    const Point offset = is_hull ? Point{} : wheel_offset(body);
    const Transform transform{
        {static_cast<float>(position.x + offset.x), static_cast<float>(position.y + offset.y)}, sine, cosine};
    const Vec2 centre = apply(transform, is_hull ? car.hull_body.centre_of_mass : car.wheel_body.centre_of_mass);
    block.x[body][lane] = transform.position.x;
    block.y[body][lane] = transform.position.y;
    block.sine[body][lane] = sine;
    block.cosine[body][lane] = cosine;
    block.angle[body][lane] = turn;
    block.centre_x[body][lane] = centre.x;
    block.centre_y[body][lane] = centre.y;
    block.velocity_x[body][lane] = block.velocity_y[body][lane] = block.spin[body][lane] = 0;
  }
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
    for (auto* values : {&block.impulse_x, &block.impulse_y, &block.limit_impulse, &block.motor_impulse,
                         &block.motor_speed, &block.force_x, &block.force_y})
      (*values)[wheel][lane] = 0;
    block.limit[wheel][lane] = 0;
    block.omega[wheel][lane] = block.phase[wheel][lane] = 0;
    block.on_road[wheel][lane] = block.skids[wheel][lane] = 0;
  }
  block.rest_time[lane] = 0;
  block.steer[lane] = block.gas[lane] = block.brake[lane] = 0;
}

void roll_car(CarBlock& block, std::size_t lane, double angle, double speed) noexcept {
  for (std::size_t body = 0; body < kNumBodies; ++body) {
    block.velocity_x[body][lane] = static_cast<float>(-speed * std::sin(angle));
    block.velocity_y[body][lane] = static_cast<float>(speed * std::cos(angle));
  }
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) block.omega[wheel][lane] = speed / kWheelRadius;
}

void press_gas(CarBlock& block, std::size_t lane, double gas) noexcept {
  const double change = std::clamp(gas, 0.0, 1.0) - block.gas[lane];
  block.gas[lane] += change > kGasRamp ? kGasRamp : change;
}

void copy_lane(const CarBlock& from, std::size_t from_lane, CarBlock& to, std::size_t to_lane) noexcept {
  LaneCopier copier(from_lane, to_lane);
  const auto copy = [&](auto... fields) { (copier(from.*fields, to.*fields), ...); };
  copy(&CarBlock::x, &CarBlock::y, &CarBlock::sine, &CarBlock::cosine, &CarBlock::angle, &CarBlock::centre_x,
       &CarBlock::centre_y, &CarBlock::velocity_x, &CarBlock::velocity_y, &CarBlock::spin, &CarBlock::impulse_x,
       &CarBlock::impulse_y, &CarBlock::limit_impulse, &CarBlock::motor_impulse, &CarBlock::limit,
       &CarBlock::motor_speed, &CarBlock::force_x, &CarBlock::force_y, &CarBlock::rest_time, &CarBlock::steer,
       &CarBlock::gas, &CarBlock::brake, &CarBlock::omega, &CarBlock::phase, &CarBlock::on_road, &CarBlock::skids);
  assert(copier.bytes() + alignof(CarBlock) > sizeof(CarBlock));
}

}  // namespace apexline::racing
