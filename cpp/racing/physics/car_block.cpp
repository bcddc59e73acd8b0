#include "racing/physics/car_block.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "racing/base/state_io.hpp"

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

// The largest values of fields that the solver or `drive` limit, with a margin for rounding.
constexpr float kMaxSpeed = 100.01F;  // b2_maxTranslation, units per second
constexpr float kMaxSpin = 78.55F;  // b2_maxRotation, radians per second
constexpr float kMaxMotorSpeed = 3;  // radians per second
// Far more than any car reaches: they keep the arithmetic finite.
constexpr float kMaxAngle = 0x1p26F;  // radians
constexpr float kMaxImpulse = 1e6F;
constexpr float kMaxForce = 1e6F;
constexpr float kMaxRestTime = 1e9F;  // seconds
constexpr double kMaxOmega = 1e9;  // radians per second
constexpr double kMaxPhase = 1e18;  // radians

bool is_body(const CarBlock& car, std::size_t body, std::size_t lane) noexcept {
  const float angle = car.angle[body][lane];
  constexpr float kRounding = 1e-5F;
  return is_within(car.x[body][lane], kFurthest) && is_within(car.y[body][lane], kFurthest) &&
         is_within(car.centre_x[body][lane], kFurthest) && is_within(car.centre_y[body][lane], kFurthest) &&
         is_within(car.velocity_x[body][lane], kMaxSpeed) && is_within(car.velocity_y[body][lane], kMaxSpeed) &&
         is_within(car.spin[body][lane], kMaxSpin) && is_within(angle, kMaxAngle) &&
         is_within(car.sine[body][lane] - std::sin(angle), kRounding) &&
         is_within(car.cosine[body][lane] - std::cos(angle), kRounding);
}

bool is_flag(std::int64_t mask) noexcept { return mask == 0 || mask == -1; }

bool is_wheel(const CarBlock& car, std::size_t wheel, std::size_t lane) noexcept {
  const float max_motor_impulse = chassis().max_motor_torque * 0.0201F;  // in a frame of 0.02 seconds
  return is_within(car.impulse_x[wheel][lane], kMaxImpulse) && is_within(car.impulse_y[wheel][lane], kMaxImpulse) &&
         is_within(car.limit_impulse[wheel][lane], kMaxImpulse) &&
         is_within(car.motor_impulse[wheel][lane], max_motor_impulse) && car.limit[wheel][lane] >= -1 &&
         car.limit[wheel][lane] <= 1 && is_within(car.motor_speed[wheel][lane], kMaxMotorSpeed) &&
         is_within(car.force_x[wheel][lane], kMaxForce) && is_within(car.force_y[wheel][lane], kMaxForce) &&
         is_within(car.omega[wheel][lane], kMaxOmega) && is_within(car.phase[wheel][lane], kMaxPhase) &&
         is_flag(car.on_road[wheel][lane]) && is_flag(car.skids[wheel][lane]);
}

}  // namespace

bool CarLane::is_possible() const noexcept {
  bool all = block.rest_time[lane] >= 0 && block.rest_time[lane] <= kMaxRestTime && std::isfinite(block.steer[lane]) &&
             std::isfinite(block.brake[lane]) && block.gas[lane] >= 0 && block.gas[lane] <= 1;
  for (std::size_t body = 0; body < kNumBodies; ++body) all = all && is_body(block, body, lane);
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) all = all && is_wheel(block, wheel, lane);
  return all;
}

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
  visit_car_fields([&](auto... fields) { (copier(from.*fields, to.*fields), ...); });
  assert(copier.bytes() + alignof(CarBlock) > sizeof(CarBlock));
}

}  // namespace apexline::racing
