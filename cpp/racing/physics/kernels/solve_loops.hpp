// b2World::Step for eight cars: a hull with four wheels on revolute joints with motor and limits (b2Island::Solve,
// b2RevoluteJoint), in Box2D's order of operations. Contacts are sensors without forces.
#pragma once

#include <array>
#include <limits>
#include <tuple>
#include <utility>

#include "racing/physics/kernels/lanes.hpp"

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
constexpr float kMaxTranslation = 2.0F;  // per step; 100 units per second
constexpr float kMaxRotation = 0.5F * kBox2dPi;  // per step
constexpr float kTimeToSleep = 0.5F;  // seconds
constexpr float kLinearSleepTolerance = 0.01F;  // units per second
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

// Computes only the lanes of `active`, since each lane is a call of libm.
inline void turn(Floats angle, Ints active, Floats& sine, Floats& cosine) noexcept {
  for (int i = 0; i < static_cast<int>(kLanes); ++i) {
    if (active[i] == 0) continue;
    sine[i] = std::sin(angle[i]);
    cosine[i] = std::cos(angle[i]);
  }
}

// From the centre of mass to the joint, on the hull and on a wheel.
inline Vec2 hull_arm(const Chassis& car, std::size_t i) noexcept {
  return {car.anchors[i].x - car.hull_body.centre_of_mass.x, car.anchors[i].y - car.hull_body.centre_of_mass.y};
}
inline Vec2 wheel_arm(const Chassis& car) noexcept {
  return {0.0F - car.wheel_body.centre_of_mass.x, 0.0F - car.wheel_body.centre_of_mass.y};
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

// A joint between the hull (a) and a wheel (b) while velocities are solved. The effective mass is a symmetric 3x3 matrix
// with columns ex, ey, ez; `prepare` computes what Box2D recomputes with equal results in every iteration.
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
      // Lanes without a limit add nothing, not even zero, so that a lane's bits do not depend on the other lanes.
      const Floats a_turn = cross(arm_a_, impulse);
      const Floats b_turn = cross(arm_b_, impulse);
      a.angular -= inertia_a_ * (is_limited_ ? a_turn + limit_impulse : a_turn);
      b.angular += inertia_b_ * (is_limited_ ? b_turn + limit_impulse : b_turn);
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

  // Replaces `impulse` and sets `limit_impulse` in the lanes whose joint is at a limit.
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

struct Position {
  Vectors centre;
  Floats angle;
};

// One pass over the joints in the lanes of `active`. Returns the lanes whose errors are within the slop.
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

    Floats sine{};
    Floats cosine{};
    turn(a.angle, active, sine, cosine);
    const Vectors arm_a = turned(sine, cosine, hull_arm(car, i));
    turn(b.angle, active, sine, cosine);
    const Vectors arm_b = turned(sine, cosine, wheel_arm(car));
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

// Limits a body's translation and rotation per step, then moves it.
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

// One block's step: the constructor prepares it, then iterations over the joints, then `finish`.
class BlockSolver {
 public:
  BlockSolver(CarBlock& block, LaneMask moved) noexcept : car_(chassis()), block_(block), moves_(mask_of(moved)) {
    for (std::size_t i = 0; i < kNumBodies; ++i) {
      positions_[i] = {{load(block.centre_x[i]), load(block.centre_y[i])}, load(block.angle[i])};
      velocities_[i] = {{load(block.velocity_x[i]), load(block.velocity_y[i])}, load(block.spin[i])};
      if (i == kHullBody) continue;
      const Vectors force{load(block.force_x[i]), load(block.force_y[i])};
      velocities_[i].linear = velocities_[i].linear + kStep * (car_.wheel_body.inverse_mass * force);
    }
    for (std::size_t i = kNumWheels; i-- > 0;) prepare_joint(i);
  }

  // The caller interleaves the joints of several blocks; `has_settled` compares with the last call of `store_iterate`.
  void store_iterate() noexcept {
    impulses_before_ = impulses_;
    velocities_before_ = velocities_;
  }
  void solve_joint(std::size_t i, Velocity& hull) noexcept { joints_[i].solve(impulses_[i], hull, velocities_[i]); }
  [[nodiscard]] Velocity hull() const noexcept { return velocities_[kHullBody]; }
  void set_hull(const Velocity& hull) noexcept { velocities_[kHullBody] = hull; }
  [[nodiscard]] bool has_settled() const noexcept {
    return !any(moves_ & (differs(impulses_, impulses_before_) | differs(velocities_, velocities_before_)));
  }

  void finish() noexcept {
    for (std::size_t i = 0; i < kNumBodies; ++i) integrate(velocities_[i], positions_[i]);
    Ints unsolved = moves_;
    for (int iteration = 0; iteration < kPositionIterations && any(unsolved); ++iteration)
      unsolved &= ~correct_positions(car_, limits_, unsolved, positions_);
    const Ints sleeps = fall_asleep(~unsolved);
    for (std::size_t i = 0; i < kNumBodies; ++i) keep_body(i, sleeps);
    for (std::size_t i = 0; i < kNumWheels; ++i) keep_joint(i);
  }

 private:
  void prepare_joint(std::size_t i) noexcept {
    const Floats angle = positions_[i].angle - positions_[kHullBody].angle;
    const Ints limit = (angle <= car_.lower_angle) ? Ints{} - 1 : ((angle >= car_.upper_angle) ? Ints{} + 1 : Ints{});
    const Ints keeps_impulse = (limit == load<Ints>(block_.limit[i])) & (limit != 0);
    limits_[i] = limit;
    impulses_[i] = {{load(block_.impulse_x[i]), load(block_.impulse_y[i])},
                    keeps_impulse ? load(block_.limit_impulse[i]) : Floats{},
                    load(block_.motor_impulse[i])};
    joints_[i].prepare(car_, turned(load(block_.sine[kHullBody]), load(block_.cosine[kHullBody]), hull_arm(car_, i)),
                       turned(load(block_.sine[i]), load(block_.cosine[i]), wheel_arm(car_)),
                       load(block_.motor_speed[i]), limit);
    joints_[i].warm_start(impulses_[i], velocities_[kHullBody], velocities_[i]);
  }

  // The lanes whose cars have been at rest for kTimeToSleep and whose positions are solved.
  [[nodiscard]] Ints fall_asleep(Ints is_solved) noexcept {
    Ints is_at_rest = Ints{} - 1;
    for (const Velocity& velocity : velocities_)
      is_at_rest &= ~((velocity.angular * velocity.angular > kAngularSleepTolerance * kAngularSleepTolerance) |
                      (dot(velocity.linear, velocity.linear) > kLinearSleepTolerance * kLinearSleepTolerance));
    const Floats rest_time = is_at_rest ? load(block_.rest_time) + kStep : Floats{};
    const Ints sleeps = (rest_time >= kTimeToSleep) & is_solved;
    keep(block_.rest_time, sleeps ? Floats{} : rest_time);
    return sleeps;
  }

  void keep_body(std::size_t i, Ints sleeps) noexcept {
    Floats sine{};
    Floats cosine{};
    turn(positions_[i].angle, moves_, sine, cosine);
    const Body& body = i == kHullBody ? car_.hull_body : car_.wheel_body;
    const Vectors origin = positions_[i].centre - turned(sine, cosine, body.centre_of_mass);
    keep(block_.x[i], origin.x);
    keep(block_.y[i], origin.y);
    keep(block_.sine[i], sine);
    keep(block_.cosine[i], cosine);
    keep(block_.angle[i], positions_[i].angle);
    keep(block_.centre_x[i], positions_[i].centre.x);
    keep(block_.centre_y[i], positions_[i].centre.y);
    keep(block_.velocity_x[i], sleeps ? Floats{} : velocities_[i].linear.x);
    keep(block_.velocity_y[i], sleeps ? Floats{} : velocities_[i].linear.y);
    keep(block_.spin[i], sleeps ? Floats{} : velocities_[i].angular);
  }

  void keep_joint(std::size_t i) noexcept {
    keep(block_.impulse_x[i], impulses_[i].linear.x);
    keep(block_.impulse_y[i], impulses_[i].linear.y);
    keep(block_.limit_impulse[i], impulses_[i].limit);
    keep(block_.motor_impulse[i], impulses_[i].motor);
    store(block_.limit[i], moves_ ? limits_[i] : load<Ints>(block_.limit[i]));
  }

  void keep(Lane<float>& lanes, Floats value) const noexcept { store(lanes, moves_ ? value : load(lanes)); }

  const Chassis& car_;
  CarBlock& block_;
  Ints moves_;
  std::array<Joint, kNumWheels> joints_;
  std::array<Ints, kNumWheels> limits_;
  Impulses impulses_, impulses_before_;
  Velocities velocities_, velocities_before_;
  std::array<Position, kNumBodies> positions_;
};

// All of Box2D's iterations, or fewer with the same result: an iteration is a function of velocities and impulses, so
// once both equal, to the bit, those of two iterations ago, all further pairs of iterations change nothing.
//
// Each joint depends on the hull's velocity after the previous joint, so the joints of several blocks are interleaved.
template <std::size_t... k>
void iterate(std::array<BlockSolver, sizeof...(k)>& blocks, std::index_sequence<k...>) noexcept {
  static_assert(kVelocityIterations % 2 == 0);
  for (int iteration = 0; iteration < kVelocityIterations; iteration += 2) {
    (blocks[k].store_iterate(), ...);
    std::tuple hulls(blocks[k].hull()...);  // in registers
    for (int twice = 0; twice < 2; ++twice)
      for (std::size_t i = kNumWheels; i-- > 0;) (blocks[k].solve_joint(i, std::get<k>(hulls)), ...);
    (blocks[k].set_hull(std::get<k>(hulls)), ...);
    if ((blocks[k].has_settled() && ...)) return;
  }
}

template <std::size_t count>
void solve_together(std::array<BlockSolver, count> blocks) noexcept {
  iterate(blocks, std::make_index_sequence<count>());
  for (BlockSolver& block : blocks) block.finish();
}

void solve_block(CarBlock& block, LaneMask moved) noexcept { solve_together<1>({BlockSolver(block, moved)}); }

void solve_blocks(CarBlock& first, LaneMask first_moved, CarBlock& second, LaneMask second_moved) noexcept {
  solve_together<2>({BlockSolver(first, first_moved), BlockSolver(second, second_moved)});
}

}  // namespace
}  // namespace apexline::racing
