// b2World::Step for eight cars: a hull with four wheels on revolute joints with motor and limits (b2Island::Solve,
// b2RevoluteJoint), in Box2D's order of operations. Contacts are sensors and push nothing.
#pragma once

#include <array>
#include <limits>

#include "lanes.hpp"

namespace apexline::racing {
namespace {

constexpr float kStep = static_cast<float>(1.0 / kFramesPerSecond);  // seconds
constexpr int kVelocityIterations = 6 * 30;
constexpr int kPositionIterations = 2 * 30;

// b2Settings.h; lengths in units.
constexpr float kBox2dPi = 3.14159265359F;
constexpr float kLinearSlop = 0.005F;
constexpr float kAngularSlop = 2.0F / 180.0F * kBox2dPi;
constexpr float kMaxAngularCorrection = 8.0F / 180.0F * kBox2dPi;
constexpr float kMaxTranslation = 2.0F;                     // a step; 100 units a second
constexpr float kMaxRotation = 0.5F * kBox2dPi;             // a step
constexpr float kTimeToSleep = 0.5F;                        // seconds
constexpr float kLinearSleepTolerance = 0.01F;              // units a second
constexpr float kAngularSleepTolerance = 2.0F / 180.0F * kBox2dPi;

struct Vectors {
  Floats x;
  Floats y;
};

inline Vectors operator+(Vectors a, Vectors b) noexcept { return {a.x + b.x, a.y + b.y}; }
inline Vectors operator-(Vectors a, Vectors b) noexcept { return {a.x - b.x, a.y - b.y}; }
inline Vectors operator-(Vectors a) noexcept { return {-a.x, -a.y}; }
inline Vectors operator*(float s, Vectors a) noexcept { return {s * a.x, s * a.y}; }
inline Vectors operator*(Floats s, Vectors a) noexcept { return {s * a.x, s * a.y}; }
inline Floats dot(Vectors a, Vectors b) noexcept { return a.x * b.x + a.y * b.y; }
inline Floats cross(Vectors a, Vectors b) noexcept { return a.x * b.y - a.y * b.x; }
inline Vectors cross(Floats s, Vectors a) noexcept { return {-s * a.y, s * a.x}; }
inline Vectors select(Ints mask, Vectors a, Vectors b) noexcept { return {mask ? a.x : b.x, mask ? a.y : b.y}; }

inline Vectors turned(Floats sine, Floats cosine, Vec2 v) noexcept {
  return {cosine * v.x - sine * v.y, sine * v.x + cosine * v.y};
}

inline Floats inverse_or_zero(Floats v) noexcept { return v != 0.0F ? 1.0F / v : v; }

inline void turn(Floats angle, Floats& sine, Floats& cosine) noexcept {
  for (int i = 0; i < static_cast<int>(kLanes); ++i) {
    sine[i] = std::sin(angle[i]);
    cosine[i] = std::cos(angle[i]);
  }
}

struct Velocity {
  Vectors linear;
  Floats angular;
};

struct Impulse {
  Vectors linear;
  Floats limit;
  Floats motor;
};

// A joint between the hull (a) and a wheel (b) while velocities are solved. The effective mass is a symmetric 3x3
// matrix with columns ex, ey, ez; what Box2D computes from it in every iteration is the same in every iteration.
class Joint {
 public:
  void prepare(const Chassis& car, Vectors arm_a, Vectors arm_b, Floats motor_speed, Ints limit) noexcept {
    mass_a_ = car.hull_body.inverse_mass;
    mass_b_ = car.wheel_body.inverse_mass;
    inertia_a_ = car.hull_body.inverse_inertia;
    inertia_b_ = car.wheel_body.inverse_inertia;
    arm_a_ = arm_a;
    arm_b_ = arm_b;
    xx_ = mass_a_ + mass_b_ + arm_a.y * arm_a.y * inertia_a_ + arm_b.y * arm_b.y * inertia_b_;
    xy_ = -arm_a.y * arm_a.x * inertia_a_ - arm_b.y * arm_b.x * inertia_b_;
    xz_ = -arm_a.y * inertia_a_ - arm_b.y * inertia_b_;
    yy_ = mass_a_ + mass_b_ + arm_a.x * arm_a.x * inertia_a_ + arm_b.x * arm_b.x * inertia_b_;
    yz_ = arm_a.x * inertia_a_ + arm_b.x * inertia_b_;
    zz_ = Floats{} + (inertia_a_ + inertia_b_);
    motor_mass_ = 1.0F / (inertia_a_ + inertia_b_);
    max_motor_impulse_ = kStep * car.max_motor_torque;
    motor_speed_ = motor_speed;

    inverse_22_ = inverse_or_zero(xx_ * yy_ - xy_ * xy_);
    minor_x_ = yy_ * zz_ - yz_ * yz_;
    minor_y_ = yz_ * xz_ - xy_ * zz_;
    minor_z_ = xy_ * yz_ - yy_ * xz_;
    inverse_33_ = inverse_or_zero(xx_ * minor_x_ + xy_ * minor_y_ + xz_ * minor_z_);

    is_lower_ = limit < 0;
    is_upper_ = limit > 0;
    is_limited_ = limit != 0;
    any_limited_ = any(is_limited_);
  }

  void warm_start(const Impulse& impulse, Velocity& a, Velocity& b) const noexcept {
    a.linear = a.linear - mass_a_ * impulse.linear;
    a.angular -= inertia_a_ * (cross(arm_a_, impulse.linear) + impulse.motor + impulse.limit);
    b.linear = b.linear + mass_b_ * impulse.linear;
    b.angular += inertia_b_ * (cross(arm_b_, impulse.linear) + impulse.motor + impulse.limit);
  }

  void solve(Impulse& total, Velocity& a, Velocity& b) const noexcept {
    const Floats motor_before = total.motor;
    const Floats drift = b.angular - a.angular - motor_speed_;
    const Floats most = Floats{} + max_motor_impulse_;
    total.motor = clamped(motor_before + -motor_mass_ * drift, -most, most);
    const Floats push = total.motor - motor_before;
    a.angular -= inertia_a_ * push;
    b.angular += inertia_b_ * push;

    const Vectors gap = b.linear + cross(b.angular, arm_b_) - a.linear - cross(a.angular, arm_a_);
    Vectors impulse = solve_22(-gap);
    if (any_limited_) {
      Floats limit_impulse{};
      solve_limits(total, gap, b.angular - a.angular, impulse, limit_impulse);
      total.limit += limit_impulse;
      a.angular -= inertia_a_ * (cross(arm_a_, impulse) + limit_impulse);
      b.angular += inertia_b_ * (cross(arm_b_, impulse) + limit_impulse);
    } else {
      a.angular -= inertia_a_ * cross(arm_a_, impulse);
      b.angular += inertia_b_ * cross(arm_b_, impulse);
    }
    total.linear = total.linear + impulse;
    a.linear = a.linear - mass_a_ * impulse;
    b.linear = b.linear + mass_b_ * impulse;
  }

 private:
  [[nodiscard]] Vectors solve_22(Vectors v) const noexcept {
    return {inverse_22_ * (yy_ * v.x - xy_ * v.y), inverse_22_ * (xx_ * v.y - xy_ * v.x)};
  }

  // In the lanes whose joint is at a limit, replaces `impulse` and sets `limit_impulse`.
  void solve_limits(const Impulse& total, Vectors gap, Floats drift, Vectors& impulse,
                    Floats& limit_impulse) const noexcept {
    const Vectors column{xz_, yz_};
    const Floats v_x = gap.y * zz_ - drift * yz_;  // cross(gap, ez)
    const Floats v_y = drift * xz_ - gap.x * zz_;
    const Floats v_z = gap.x * yz_ - gap.y * xz_;
    const Floats w_x = yy_ * drift - yz_ * gap.y;  // cross(ey, gap)
    const Floats w_y = yz_ * gap.x - xy_ * drift;
    const Floats w_z = xy_ * gap.y - yy_ * gap.x;
    const Vectors linear{-(inverse_33_ * (gap.x * minor_x_ + gap.y * minor_y_ + drift * minor_z_)),
                         -(inverse_33_ * (xx_ * v_x + xy_ * v_y + xz_ * v_z))};
    const Floats angular = -(inverse_33_ * (xx_ * w_x + xy_ * w_y + xz_ * w_z));

    const Floats next = total.limit + angular;
    const Ints leaves = (is_lower_ & (next < 0.0F)) | (is_upper_ & (next > 0.0F));
    const Vectors reduced = solve_22(-gap + total.limit * column);
    impulse = select(is_limited_, select(leaves, reduced, linear), impulse);
    limit_impulse = is_limited_ ? (leaves ? -total.limit : angular) : Floats{};
  }

  float mass_a_, mass_b_, inertia_a_, inertia_b_, motor_mass_, max_motor_impulse_;
  Vectors arm_a_, arm_b_;
  Floats xx_, xy_, xz_, yy_, yz_, zz_;
  Floats inverse_22_, inverse_33_;
  Floats minor_x_, minor_y_, minor_z_;  // cross(ey, ez)
  Floats motor_speed_;
  Ints is_lower_, is_upper_, is_limited_;
  bool any_limited_;
};

using Velocities = std::array<Velocity, kNumBodies>;
using Impulses = std::array<Impulse, kNumWheels>;

template <class T>
inline Ints differs(const T& a, const T& b) noexcept {
  static_assert(sizeof(T) % sizeof(Ints) == 0);
  Ints difference{};
  for (std::size_t at = 0; at < sizeof(T); at += sizeof(Ints)) {
    Ints one;
    Ints other;
    std::memcpy(&one, reinterpret_cast<const char*>(&a) + at, sizeof(Ints));
    std::memcpy(&other, reinterpret_cast<const char*>(&b) + at, sizeof(Ints));
    difference |= one ^ other;
  }
  return difference;
}

// All of Box2D's iterations, or fewer with the same result: the iteration is a function of velocities and impulses,
// so once both are, to the bit, what they were two iterations ago, every second one to come will be the same again.
inline void iterate(const std::array<Joint, kNumWheels>& joints, Ints moves, Impulses& impulses,
                    Velocities& velocities) noexcept {
  static_assert(kVelocityIterations % 2 == 0);
  for (int iteration = 0; iteration < kVelocityIterations; iteration += 2) {
    const Impulses impulses_before = impulses;
    const Velocities velocities_before = velocities;
    Velocity hull = velocities[kHullBody];  // in registers: every joint waits for what the last one did to it
    for (int twice = 0; twice < 2; ++twice)
      for (std::size_t i = kNumWheels; i-- > 0;) joints[i].solve(impulses[i], hull, velocities[i]);
    velocities[kHullBody] = hull;
    if (!any(moves & (differs(impulses, impulses_before) | differs(velocities, velocities_before)))) return;
  }
}

struct Position {
  Vectors centre;
  Floats angle;
};

// One pass over the joints in the lanes of `active`; those whose errors are within the slop after it.
inline Ints correct_positions(const Chassis& car, const std::array<Ints, kNumWheels>& limits, Ints active,
                              std::array<Position, kNumBodies>& positions) noexcept {
  const float mass_a = car.hull_body.inverse_mass;
  const float mass_b = car.wheel_body.inverse_mass;
  const float inertia_a = car.hull_body.inverse_inertia;
  const float inertia_b = car.wheel_body.inverse_inertia;
  const float motor_mass = 1.0F / (inertia_a + inertia_b);
  const Floats zero{};
  Ints is_solved = active;
  Position a = positions[kHullBody];
  for (std::size_t i = kNumWheels; i-- > 0;) {
    Position b = positions[i];

    const Floats angle = b.angle - a.angle;
    const Ints is_lower = limits[i] < 0;
    const Ints is_upper = limits[i] > 0;
    const Floats below = angle - car.lower_angle;
    const Floats above = angle - car.upper_angle;
    const Floats angular_error = is_lower ? -below : (is_upper ? above : zero);
    const Floats up = clamped(below + kAngularSlop, zero - kMaxAngularCorrection, zero);
    const Floats down = clamped(above - kAngularSlop, zero, zero + kMaxAngularCorrection);
    const Floats limit_impulse = is_lower ? -motor_mass * up : (is_upper ? -motor_mass * down : zero);
    a.angle -= inertia_a * limit_impulse;
    b.angle += inertia_b * limit_impulse;

    Floats sine, cosine;
    turn(a.angle, sine, cosine);
    const Vec2 anchor{car.anchors[i].x - car.hull_body.centre_of_mass.x,
                      car.anchors[i].y - car.hull_body.centre_of_mass.y};
    const Vectors arm_a = turned(sine, cosine, anchor);
    turn(b.angle, sine, cosine);
    const Vectors arm_b =
        turned(sine, cosine, {0.0F - car.wheel_body.centre_of_mass.x, 0.0F - car.wheel_body.centre_of_mass.y});
    const Vectors gap = b.centre + arm_b - a.centre - arm_a;
    const Floats position_error = root(dot(gap, gap));

    const Floats xx = mass_a + mass_b + inertia_a * arm_a.y * arm_a.y + inertia_b * arm_b.y * arm_b.y;
    const Floats xy = -inertia_a * arm_a.x * arm_a.y - inertia_b * arm_b.x * arm_b.y;
    const Floats yy = mass_a + mass_b + inertia_a * arm_a.x * arm_a.x + inertia_b * arm_b.x * arm_b.x;
    const Floats inverse = inverse_or_zero(xx * yy - xy * xy);
    const Vectors impulse{-(inverse * (yy * gap.x - xy * gap.y)), -(inverse * (xx * gap.y - xy * gap.x))};

    a.centre = a.centre - mass_a * impulse;
    a.angle -= inertia_a * cross(arm_a, impulse);
    b.centre = b.centre + mass_b * impulse;
    b.angle += inertia_b * cross(arm_b, impulse);

    positions[i].centre = select(active, b.centre, positions[i].centre);
    positions[i].angle = active ? b.angle : positions[i].angle;
    is_solved &= (position_error <= kLinearSlop) & (angular_error <= kAngularSlop);
  }
  positions[kHullBody].centre = select(active, a.centre, positions[kHullBody].centre);
  positions[kHullBody].angle = active ? a.angle : positions[kHullBody].angle;
  return is_solved;
}

// Holds a body to the greatest step and turn of a frame, then moves it.
inline void integrate(Velocity& velocity, Position& position) noexcept {
  const Vectors translation = kStep * velocity.linear;
  const Floats square = dot(translation, translation);
  const Floats ratio = kMaxTranslation / root(square);
  velocity.linear = select(square > kMaxTranslation * kMaxTranslation, ratio * velocity.linear, velocity.linear);
  const Floats rotation = kStep * velocity.angular;
  const Floats slower = velocity.angular * (kMaxRotation / absolute(rotation));
  velocity.angular = rotation * rotation > kMaxRotation * kMaxRotation ? slower : velocity.angular;
  position.centre = position.centre + kStep * velocity.linear;
  position.angle += kStep * velocity.angular;
}

void solve(CarBlock& block, LaneMask moved) noexcept {
  const Chassis& car = chassis();
  const Ints moves = mask_of(moved);
  const Floats zero{};

  Velocities velocities;
  std::array<Position, kNumBodies> positions;
  for (std::size_t i = 0; i < kNumBodies; ++i) {
    positions[i] = {{load(block.centre_x[i]), load(block.centre_y[i])}, load(block.angle[i])};
    velocities[i] = {{load(block.velocity_x[i]), load(block.velocity_y[i])}, load(block.spin[i])};
    if (i == kHullBody) continue;
    const Vectors force{load(block.force_x[i]), load(block.force_y[i])};
    velocities[i].linear = velocities[i].linear + kStep * (car.wheel_body.inverse_mass * force);
  }

  std::array<Joint, kNumWheels> joints;
  Impulses impulses;
  std::array<Ints, kNumWheels> limits;
  for (std::size_t i = kNumWheels; i-- > 0;) {
    const Floats angle = positions[i].angle - positions[kHullBody].angle;
    const Ints limit = (angle <= car.lower_angle) ? Ints{} - 1 : ((angle >= car.upper_angle) ? Ints{} + 1 : Ints{});
    const Ints keeps_impulse = (limit == load<Ints>(block.limit[i])) & (limit != 0);
    limits[i] = limit;
    impulses[i] = {{load(block.impulse_x[i]), load(block.impulse_y[i])},
                   keeps_impulse ? load(block.limit_impulse[i]) : zero,
                   load(block.motor_impulse[i])};
    const Vec2 anchor{car.anchors[i].x - car.hull_body.centre_of_mass.x,
                      car.anchors[i].y - car.hull_body.centre_of_mass.y};
    const Vec2 wheel_anchor{0.0F - car.wheel_body.centre_of_mass.x, 0.0F - car.wheel_body.centre_of_mass.y};
    joints[i].prepare(car, turned(load(block.sine[kHullBody]), load(block.cosine[kHullBody]), anchor),
                      turned(load(block.sine[i]), load(block.cosine[i]), wheel_anchor), load(block.motor_speed[i]),
                      limit);
    joints[i].warm_start(impulses[i], velocities[kHullBody], velocities[i]);
  }
  iterate(joints, moves, impulses, velocities);

  for (std::size_t i = 0; i < kNumBodies; ++i) integrate(velocities[i], positions[i]);
  Ints unsolved = moves;
  for (int iteration = 0; iteration < kPositionIterations && any(unsolved); ++iteration)
    unsolved &= ~correct_positions(car, limits, unsolved, positions);

  Ints is_at_rest = Ints{} - 1;
  for (const Velocity& velocity : velocities)
    is_at_rest &= ~((velocity.angular * velocity.angular > kAngularSleepTolerance * kAngularSleepTolerance) |
                    (dot(velocity.linear, velocity.linear) > kLinearSleepTolerance * kLinearSleepTolerance));
  Floats rest_time = is_at_rest ? load(block.rest_time) + kStep : zero;
  const Ints sleeps = (rest_time >= kTimeToSleep) & ~unsolved;
  rest_time = sleeps ? zero : rest_time;
  store(block.rest_time, moves ? rest_time : load(block.rest_time));

  const auto keep = [moves](Lane<float>& lanes, Floats value) noexcept {
    store(lanes, moves ? value : load(lanes));
  };
  for (std::size_t i = 0; i < kNumBodies; ++i) {
    Floats sine, cosine;
    turn(positions[i].angle, sine, cosine);
    const Body& body = i == kHullBody ? car.hull_body : car.wheel_body;
    const Vectors origin = positions[i].centre - turned(sine, cosine, body.centre_of_mass);
    keep(block.x[i], origin.x);
    keep(block.y[i], origin.y);
    keep(block.sine[i], sine);
    keep(block.cosine[i], cosine);
    keep(block.angle[i], positions[i].angle);
    keep(block.centre_x[i], positions[i].centre.x);
    keep(block.centre_y[i], positions[i].centre.y);
    keep(block.velocity_x[i], sleeps ? zero : velocities[i].linear.x);
    keep(block.velocity_y[i], sleeps ? zero : velocities[i].linear.y);
    keep(block.spin[i], sleeps ? zero : velocities[i].angular);
  }
  for (std::size_t i = 0; i < kNumWheels; ++i) {
    keep(block.impulse_x[i], impulses[i].linear.x);
    keep(block.impulse_y[i], impulses[i].linear.y);
    keep(block.limit_impulse[i], impulses[i].limit);
    keep(block.motor_impulse[i], impulses[i].motor);
    store(block.limit[i], moves ? limits[i] : load<Ints>(block.limit[i]));
  }
}

}  // namespace
}  // namespace apexline::racing
