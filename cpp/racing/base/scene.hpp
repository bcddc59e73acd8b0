// The input of both renderers: everything that CarRacing._render reads, and nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "racing/base/constants.hpp"
#include "racing/base/geometry.hpp"
#include "racing/base/track.hpp"

namespace apexline::racing {

// Position of a body's origin and its rotation (b2Transform and the sweep's angle); units and radians.
struct Pose {
  float x = 0;
  float y = 0;
  float angle = 0;
  float sine = 0;
  float cosine = 1;
};

struct WheelState {
  Pose pose;
  double phase = 0;  // rolled angle, radians
  double omega = 0;  // angular velocity, radians per second
};

// The colours of an episode. `road` holds the three shades of untouched tiles, by tile % 3; touched tiles have the
// first.
struct Colours {
  std::array<Rgb, 3> road{Rgb{102, 102, 102}, Rgb{104, 104, 104}, Rgb{107, 107, 107}};
  Rgb background{102, 204, 102};
  Rgb grass{102, 230, 102};
};

struct Scene {
  const Track* track = nullptr;
  const std::uint8_t* touched = nullptr;  // (num_tiles): not 0 if any part of the car has touched the tile
  Colours colours;
  Pose hull;
  float velocity_x = 0;  // of the hull, units per second
  float velocity_y = 0;
  float spin = 0;  // of the hull, radians per second
  std::array<WheelState, kNumWheels> wheels;
  float steering_angle = 0;  // of the front left joint, radians
  double seconds = 0;        // since the reset
  double zoom = kZoom;       // of the camera; see GameOptions
  double score = 0;          // the displayed number
};

// The trace of a sliding wheel, drawn in images for people only.
struct SkidMark {
  bool on_grass = false;
  std::vector<Point> points;  // 2 to 30 positions of the wheel, oldest first, units

  template <class Archive>
  void serialize(Archive& archive) {
    archive(on_grass, points);
  }
};

}  // namespace apexline::racing
