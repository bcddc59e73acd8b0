// What one image of the game shows: everything that CarRacing._render reads, and nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "racing/base/constants.hpp"
#include "racing/base/geometry.hpp"
#include "racing/base/track.hpp"

namespace apexline::racing {

// Where a body's origin is and how it is turned (b2Transform and the sweep's angle).
struct Pose {
  float x = 0;
  float y = 0;
  float angle = 0;
  float sine = 0;
  float cosine = 1;
};

struct WheelLook {
  Pose pose;
  double phase = 0;  // how far it has rolled, radians
  double omega = 0;  // how fast it rolls, radians a second
};

// The colours that an episode fixes. `road` holds the three shades of tiles that nothing has touched, by tile % 3;
// the first is also that of tiles that the car has touched.
struct Colours {
  std::array<Rgb, 3> road{Rgb{102, 102, 102}, Rgb{104, 104, 104}, Rgb{107, 107, 107}};
  Rgb background{102, 204, 102};
  Rgb grass{102, 230, 102};
};

struct Scene {
  const Track* track = nullptr;
  const std::uint8_t* touched = nullptr;  // (num_tiles): not 0 once any part of the car has touched the tile
  Colours colours;
  Pose hull;
  float velocity_x = 0;  // of the hull, units a second
  float velocity_y = 0;
  float spin = 0;  // of the hull, radians a second
  std::array<WheelLook, kNumWheels> wheels;
  float steering_angle = 0;  // of the front left joint, radians
  double seconds = 0;        // since reset
  double score = 0;          // the number on the screen
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
