#include "racing/render/camera.hpp"

#include <algorithm>
#include <cmath>

namespace apexline::racing {
namespace {

constexpr double kEpsilon = 1e-6;  // Vector2.epsilon, radians

struct Turn {
  double sine;
  double cosine;
};

// With the exact sine and cosine of a quarter turn the result is pygame's negated and swapped coordinates, since
// x * 0 + y is y for every finite x. (The sign of a zero may differ, which moves no pixel.)
Turn turn_by(double angle) noexcept {
  angle = std::fmod(angle, 2 * kPi);
  if (angle < 0) angle += 2 * kPi;
  if (std::fmod(angle + kEpsilon, kPi / 2) < 2 * kEpsilon) {
    constexpr Turn kQuarters[] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
    return kQuarters[static_cast<int>((angle + kEpsilon) / (kPi / 2)) % 4];
  }
  return {std::sin(angle), std::cos(angle)};
}

}  // namespace

Camera::Camera(const Scene& scene) noexcept {
  const Turn turn = turn_by(-static_cast<double>(scene.hull.angle));
  sine_ = turn.sine;
  cosine_ = turn.cosine;
  zoom_ = 0.1 * kScale * std::max(1 - scene.seconds, 0.0) + scene.zoom * kScale * std::min(scene.seconds, 1.0);
  const Point scroll = turned({-static_cast<double>(scene.hull.x) * zoom_, -static_cast<double>(scene.hull.y) * zoom_});
  translation_ = {kSurfaceWidth / 2 + scroll.x, kSurfaceHeight / 4 + scroll.y};
}

}  // namespace apexline::racing
