#include "apexline/racing/car_block.hpp"

#include <cmath>

namespace apexline::racing {

void place_car(CarBlock& block, std::size_t lane, Point position, double angle) noexcept {
  const Chassis& car = chassis();
  const auto turn = static_cast<float>(angle);
  const float sine = std::sin(turn);
  const float cosine = std::cos(turn);
  for (std::size_t body = 0; body < kNumBodies; ++body) {
    const bool is_hull = body == kHull;
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

const CarKernels& car_kernels(Isa isa) noexcept {
#if defined(APEXLINE_X86_VARIANTS)
  if (isa == Isa::kAvx512) return kAvx512CarKernels;
  if (isa == Isa::kAvx2) return kAvx2CarKernels;
#else
  static_cast<void>(isa);
#endif
  return kPortableCarKernels;
}

}  // namespace apexline::racing
