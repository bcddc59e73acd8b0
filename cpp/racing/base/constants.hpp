// The constants of the game, from car_racing.py and car_dynamics.py of gymnasium 1.4.0, under the names given there.
//
// A unit is a length of Box2D's world.
#pragma once

#include <numbers>

namespace apexline::racing {

inline constexpr double kPi = std::numbers::pi;

inline constexpr double kScale = 6.0;                       // SCALE: lengths of car_racing.py per unit
inline constexpr double kTrackRadius = 900 / kScale;        // TRACK_RAD, units
inline constexpr double kPlayfield =
    2000 / kScale;         // PLAYFIELD: largest |x| and |y| of the car before the episode ends, units
inline constexpr double kTrackDetailStep = 21 / kScale;     // TRACK_DETAIL_STEP: length of a tile, units
inline constexpr double kTrackTurnRate = 0.31;              // TRACK_TURN_RATE, radians per tile
inline constexpr double kTrackWidth = 40 / kScale;          // TRACK_WIDTH: centre to edge, units
inline constexpr double kBorder = 8 / kScale;               // BORDER: width of the red and white kerb, units
inline constexpr int kBorderMinCount = 4;                   // BORDER_MIN_COUNT, tiles
inline constexpr double kFramesPerSecond = 50;              // FPS
inline constexpr double kZoom = 2.7;  // ZOOM: of the camera, after the first second; pixels per length of car_racing.py

inline constexpr int kNumWheels = 4;  // front left, front right, rear left, rear right

}  // namespace apexline::racing
