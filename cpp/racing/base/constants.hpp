// The constants of the game, as in gymnasium's car_racing.py and car_dynamics.py (gymnasium 1.4.0).
#pragma once

#include <numbers>

namespace apexline::racing {

inline constexpr double kPi = std::numbers::pi;

inline constexpr double kScale = 6.0;                       // SCALE: game units a unit
inline constexpr double kTrackRadius = 900 / kScale;        // TRACK_RAD, units
inline constexpr double kPlayfield = 2000 / kScale;         // PLAYFIELD: leaving it ends the episode, units from 0
inline constexpr double kTrackDetailStep = 21 / kScale;     // TRACK_DETAIL_STEP: length of a tile, units
inline constexpr double kTrackTurnRate = 0.31;              // TRACK_TURN_RATE, radians a tile
inline constexpr double kTrackWidth = 40 / kScale;          // TRACK_WIDTH: centre to edge, units
inline constexpr double kBorder = 8 / kScale;               // BORDER: width of the red and white kerb, units
inline constexpr int kBorderMinCount = 4;                   // BORDER_MIN_COUNT, tiles
inline constexpr double kFramesPerSecond = 50;              // FPS
inline constexpr double kZoom = 2.7;                        // ZOOM: of the camera, after the first second

inline constexpr int kNumWheels = 4;                        // front left, front right, rear left, rear right

}  // namespace apexline::racing
