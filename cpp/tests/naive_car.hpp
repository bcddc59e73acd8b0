// The reference of the kernels: one car's Box2D step in scalars with all iterations.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "racing/physics/car_block.hpp"

namespace apexline::test {

class NaiveCar {
 public:
  NaiveCar(racing::CarBlock& block, std::size_t lane) : block_(block), lane_(lane) {}

  void solve() {
    read();
    for (std::size_t i = racing::kNumWheels; i-- > 0;) prepare(i);
    for (int iteration = 0; iteration < 180; ++iteration)
      for (std::size_t i = racing::kNumWheels; i-- > 0;) solve_velocity(i);
    for (Body& body : bodies_) move(body);
    bool is_solved = false;
    for (int iteration = 0; iteration < 60 && !is_solved; ++iteration) {
      is_solved = true;
      for (std::size_t i = racing::kNumWheels; i-- > 0;) is_solved = solve_position(i) && is_solved;
    }
    rest(is_solved);
    write();
  }

 private:
  using Vec2 = racing::Vec2;
  struct Body {
    Vec2 centre;
    float angle = 0;
    Vec2 velocity;
    float spin = 0;
  };
  struct Vec3 {
    float x, y, z;
  };
  struct Joint {
    Vec2 arm_a, arm_b;
    Vec3 ex, ey, ez;
    Vec3 impulse;  // x, y and the limit's
    float motor_impulse = 0;
    float motor_speed = 0;
    int limit = 0;
  };

  static constexpr float kStep = 0.02F;
  static constexpr float kPi = 3.14159265359F;
  static constexpr float kSlop = 2.0F / 180.0F * kPi;            // b2_angularSlop
  static constexpr float kMaxCorrection = 8.0F / 180.0F * kPi;   // b2_maxAngularCorrection

  static Vec2 rotated(float angle, Vec2 v) {
    const float s = std::sin(angle);
    const float c = std::cos(angle);
    return {c * v.x - s * v.y, s * v.x + c * v.y};
  }
  static float cross(Vec2 a, Vec2 b) { return a.x * b.y - a.y * b.x; }
  static Vec3 cross(Vec3 a, Vec3 b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
  static float dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

  Body& hull() { return bodies_[racing::kHullBody]; }
  const racing::Body& mass(std::size_t body) const {
    return body == racing::kHullBody ? car_.hull_body : car_.wheel_body;
  }
  Vec2 anchor_a(std::size_t wheel) const {
    return {car_.anchors[wheel].x - car_.hull_body.centre_of_mass.x,
            car_.anchors[wheel].y - car_.hull_body.centre_of_mass.y};
  }
  Vec2 anchor_b() const { return {0.0F - car_.wheel_body.centre_of_mass.x, 0.0F - car_.wheel_body.centre_of_mass.y}; }

  void read() {
    for (std::size_t i = 0; i < racing::kNumBodies; ++i) {
      bodies_[i] = {{block_.centre_x[i][lane_], block_.centre_y[i][lane_]},
                    block_.angle[i][lane_],
                    {block_.velocity_x[i][lane_], block_.velocity_y[i][lane_]},
                    block_.spin[i][lane_]};
      if (i == racing::kHullBody) continue;
      bodies_[i].velocity.x += kStep * (mass(i).inverse_mass * block_.force_x[i][lane_]);
      bodies_[i].velocity.y += kStep * (mass(i).inverse_mass * block_.force_y[i][lane_]);
    }
  }

  // Applies the impulse p to the wheel and its opposite to the hull, with the angular impulse `turn`.
  void push(std::size_t i, Vec2 p, float turn_a, float turn_b) {
    const float mass_a = car_.hull_body.inverse_mass;
    const float mass_b = car_.wheel_body.inverse_mass;
    Body& b = bodies_[i];
    hull().velocity = {hull().velocity.x - mass_a * p.x, hull().velocity.y - mass_a * p.y};
    hull().spin -= car_.hull_body.inverse_inertia * turn_a;
    b.velocity = {b.velocity.x + mass_b * p.x, b.velocity.y + mass_b * p.y};
    b.spin += car_.wheel_body.inverse_inertia * turn_b;
  }

  void prepare(std::size_t i) {
    Joint& joint = joints_[i];
    const float mass_a = car_.hull_body.inverse_mass;
    const float mass_b = car_.wheel_body.inverse_mass;
    const float inertia_a = car_.hull_body.inverse_inertia;
    const float inertia_b = car_.wheel_body.inverse_inertia;
    const Vec2 a = joint.arm_a = rotated(hull().angle, anchor_a(i));
    const Vec2 b = joint.arm_b = rotated(bodies_[i].angle, anchor_b());
    joint.ex.x = mass_a + mass_b + a.y * a.y * inertia_a + b.y * b.y * inertia_b;
    joint.ey.x = joint.ex.y = -a.y * a.x * inertia_a - b.y * b.x * inertia_b;
    joint.ez.x = joint.ex.z = -a.y * inertia_a - b.y * inertia_b;
    joint.ey.y = mass_a + mass_b + a.x * a.x * inertia_a + b.x * b.x * inertia_b;
    joint.ez.y = joint.ey.z = a.x * inertia_a + b.x * inertia_b;
    joint.ez.z = inertia_a + inertia_b;
    joint.impulse = {block_.impulse_x[i][lane_], block_.impulse_y[i][lane_], block_.limit_impulse[i][lane_]};
    joint.motor_impulse = block_.motor_impulse[i][lane_];
    joint.motor_speed = block_.motor_speed[i][lane_];

    const float angle = bodies_[i].angle - hull().angle;
    joint.limit = angle <= car_.lower_angle ? -1 : (angle >= car_.upper_angle ? 1 : 0);
    if (joint.limit == 0 || joint.limit != block_.limit[i][lane_]) joint.impulse.z = 0;

    const Vec2 p{joint.impulse.x, joint.impulse.y};
    const float motor = joint.motor_impulse;
    push(i, p, cross(a, p) + motor + joint.impulse.z, cross(b, p) + motor + joint.impulse.z);
  }

  static Vec2 solve_22(const Joint& joint, Vec2 v) {
    float det = joint.ex.x * joint.ey.y - joint.ey.x * joint.ex.y;
    if (det != 0) det = 1.0F / det;
    return {det * (joint.ey.y * v.x - joint.ey.x * v.y), det * (joint.ex.x * v.y - joint.ex.y * v.x)};
  }

  void solve_velocity(std::size_t i) {
    Joint& joint = joints_[i];
    Body& b = bodies_[i];
    {
      const float inertia_a = car_.hull_body.inverse_inertia;
      const float inertia_b = car_.wheel_body.inverse_inertia;
      const float before = joint.motor_impulse;
      const float drift = b.spin - hull().spin - joint.motor_speed;
      const float most = kStep * car_.max_motor_torque;
      joint.motor_impulse = std::clamp(before + -(1.0F / (inertia_a + inertia_b)) * drift, -most, most);
      const float turn = joint.motor_impulse - before;
      hull().spin -= inertia_a * turn;
      b.spin += inertia_b * turn;
    }
    const Vec2 gap{b.velocity.x + -b.spin * joint.arm_b.y - hull().velocity.x - -hull().spin * joint.arm_a.y,
                   b.velocity.y + b.spin * joint.arm_b.x - hull().velocity.y - hull().spin * joint.arm_a.x};
    if (joint.limit == 0) {
      const Vec2 p = solve_22(joint, {-gap.x, -gap.y});
      joint.impulse.x += p.x;
      joint.impulse.y += p.y;
      push(i, p, cross(joint.arm_a, p), cross(joint.arm_b, p));
      return;
    }
    const Vec3 rate{gap.x, gap.y, b.spin - hull().spin};
    float det = dot(joint.ex, cross(joint.ey, joint.ez));
    if (det != 0) det = 1.0F / det;
    Vec3 p{-(det * dot(rate, cross(joint.ey, joint.ez))), -(det * dot(joint.ex, cross(rate, joint.ez))),
           -(det * dot(joint.ex, cross(joint.ey, rate)))};
    const float next = joint.impulse.z + p.z;
    if (joint.limit < 0 ? next < 0 : next > 0) {
      const Vec2 reduced =
          solve_22(joint, {-gap.x + joint.impulse.z * joint.ez.x, -gap.y + joint.impulse.z * joint.ez.y});
      p = {reduced.x, reduced.y, -joint.impulse.z};
    }
    joint.impulse = {joint.impulse.x + p.x, joint.impulse.y + p.y, joint.impulse.z + p.z};
    push(i, {p.x, p.y}, cross(joint.arm_a, {p.x, p.y}) + p.z, cross(joint.arm_b, {p.x, p.y}) + p.z);
  }

  static void move(Body& body) {
    const Vec2 way{kStep * body.velocity.x, kStep * body.velocity.y};
    const float square = way.x * way.x + way.y * way.y;
    if (square > 4.0F) {
      const float ratio = 2.0F / std::sqrt(square);
      body.velocity = {ratio * body.velocity.x, ratio * body.velocity.y};
    }
    const float turn = kStep * body.spin;
    if (turn * turn > 0.5F * kPi * (0.5F * kPi)) body.spin *= 0.5F * kPi / std::abs(turn);
    body.centre = {body.centre.x + kStep * body.velocity.x, body.centre.y + kStep * body.velocity.y};
    body.angle += kStep * body.spin;
  }

  bool solve_position(std::size_t i) {
    const float mass_a = car_.hull_body.inverse_mass;
    const float mass_b = car_.wheel_body.inverse_mass;
    const float inertia_a = car_.hull_body.inverse_inertia;
    const float inertia_b = car_.wheel_body.inverse_inertia;
    Body& a = hull();
    Body& b = bodies_[i];
    const float angle = b.angle - a.angle;
    float angular_error = 0;
    float turn = 0;
    const float motor_mass = 1.0F / (inertia_a + inertia_b);
    if (joints_[i].limit < 0) {
      const float below = angle - car_.lower_angle;
      angular_error = -below;
      turn = -motor_mass * std::clamp(below + kSlop, -kMaxCorrection, 0.0F);
    } else if (joints_[i].limit > 0) {
      angular_error = angle - car_.upper_angle;
      turn = -motor_mass * std::clamp(angular_error - kSlop, 0.0F, kMaxCorrection);
    }
    a.angle -= inertia_a * turn;
    b.angle += inertia_b * turn;

    const Vec2 arm_a = rotated(a.angle, anchor_a(i));
    const Vec2 arm_b = rotated(b.angle, anchor_b());
    const Vec2 gap{b.centre.x + arm_b.x - a.centre.x - arm_a.x, b.centre.y + arm_b.y - a.centre.y - arm_a.y};
    const float xx = mass_a + mass_b + inertia_a * arm_a.y * arm_a.y + inertia_b * arm_b.y * arm_b.y;
    const float xy = -inertia_a * arm_a.x * arm_a.y - inertia_b * arm_b.x * arm_b.y;
    const float yy = mass_a + mass_b + inertia_a * arm_a.x * arm_a.x + inertia_b * arm_b.x * arm_b.x;
    float det = xx * yy - xy * xy;
    if (det != 0) det = 1.0F / det;
    const Vec2 p{-(det * (yy * gap.x - xy * gap.y)), -(det * (xx * gap.y - xy * gap.x))};
    a.centre = {a.centre.x - mass_a * p.x, a.centre.y - mass_a * p.y};
    a.angle -= inertia_a * cross(arm_a, p);
    b.centre = {b.centre.x + mass_b * p.x, b.centre.y + mass_b * p.y};
    b.angle += inertia_b * cross(arm_b, p);
    return std::sqrt(gap.x * gap.x + gap.y * gap.y) <= 0.005F && angular_error <= kSlop;
  }

  // Box2D uses the minimum of one time per body; all are set to 0 by falling asleep, so one time is enough.
  void rest(bool is_solved) {
    bool is_at_rest = true;
    for (const Body& body : bodies_) {
      const float speed = body.velocity.x * body.velocity.x + body.velocity.y * body.velocity.y;
      if (body.spin * body.spin > kSlop * kSlop || speed > 0.01F * 0.01F) is_at_rest = false;
    }
    float& rest_time = block_.rest_time[lane_];
    rest_time = is_at_rest ? rest_time + kStep : 0;
    if (rest_time < 0.5F || !is_solved) return;
    rest_time = 0;
    for (Body& body : bodies_) {
      body.velocity = {};
      body.spin = 0;
    }
  }

  void write() {
    for (std::size_t i = 0; i < racing::kNumBodies; ++i) {
      const Body& body = bodies_[i];
      const Vec2 arm = rotated(body.angle, mass(i).centre_of_mass);
      block_.x[i][lane_] = body.centre.x - arm.x;
      block_.y[i][lane_] = body.centre.y - arm.y;
      block_.sine[i][lane_] = std::sin(body.angle);
      block_.cosine[i][lane_] = std::cos(body.angle);
      block_.angle[i][lane_] = body.angle;
      block_.centre_x[i][lane_] = body.centre.x;
      block_.centre_y[i][lane_] = body.centre.y;
      block_.velocity_x[i][lane_] = body.velocity.x;
      block_.velocity_y[i][lane_] = body.velocity.y;
      block_.spin[i][lane_] = body.spin;
    }
    for (std::size_t i = 0; i < racing::kNumWheels; ++i) {
      const Joint& joint = joints_[i];
      block_.impulse_x[i][lane_] = joint.impulse.x;
      block_.impulse_y[i][lane_] = joint.impulse.y;
      block_.limit_impulse[i][lane_] = joint.impulse.z;
      block_.motor_impulse[i][lane_] = joint.motor_impulse;
      block_.limit[i][lane_] = joint.limit;
    }
  }

  const racing::Chassis& car_ = racing::chassis();
  racing::CarBlock& block_;
  std::size_t lane_;
  std::array<Body, racing::kNumBodies> bodies_;
  std::array<Joint, racing::kNumWheels> joints_{};
};

}  // namespace apexline::test
