// The rules of training episodes, as the wrappers of apexline/racing/rules.py and missed_tiles.py have them.
#pragma once

#include <cstdint>

#include "racing/game/episode.hpp"

namespace apexline::racing {

// The fields of apexline.racing.ShapingRules; all off by default. A step is an action held for some frames.
struct ShapingOptions {
  std::int32_t stall_steps = 0;
  double stall_penalty = 10;
  double idle_penalty = 0;
  double lap_bonus = 0;
  double missed_tile_penalty = 0;
  std::int32_t missed_tile_margin = 3;
};

enum class EndedBy : std::uint8_t { kGame, kStall, kLapEnd };

// What the rules remember of an episode.
class Shaping {
 public:
  void begin(const Episode& episode) noexcept;

  // Applies the rules to the end of a step, in the order LapTermination, MissedTilePenalty, IdlePenalty, StallTermination.
  EndedBy judge(const ShapingOptions& options, const Episode& episode, FrameEnd& end) noexcept;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(tiles_, idle_, progress_, judged_);
  }
  // Whether what was read can be of such an episode.
  [[nodiscard]] bool fits(const Episode& episode) const noexcept;

 private:
  // Moves on with the car; true where it has come round to the start of the road.
  bool advance(const Episode& episode) noexcept;
  // Whether any of the tiles below `behind` that were not judged before is unvisited.
  bool skipped(const Episode& episode, std::int32_t behind) noexcept;

  std::int32_t tiles_ = 0;      // visited after the last step
  std::int32_t idle_ = 0;       // steps in a row without a new tile
  std::int32_t progress_ = -1;  // the tile that the car has come to
  std::int32_t judged_ = 0;     // tiles below were judged
};

}  // namespace apexline::racing
