// The rules of training episodes, as the wrappers of apexline/racing/rules.py and skipped_tiles.py have them.
#pragma once

#include <cstdint>

#include "apexline/racing/episode.hpp"

namespace apexline::racing {

// The fields of apexline.racing.TrainingRules; all off by default. A decision is an action held for some frames.
struct RuleOptions {
  std::int32_t stall_decisions = 0;
  double stall_penalty = 10;
  double idle_cost = 0;
  double lap_bonus = 0;
  double skipped_tile_cost = 0;
  std::int32_t skipped_tile_margin = 3;
};

enum class EndedBy : std::uint8_t { kGame, kStall, kLapEnd };

// What the rules remember of an episode.
class RuleBook {
 public:
  void begin(const Episode& episode) noexcept;

  // Applies the rules to the end of a decision, in the order LapEnd, SkippedTiles, IdleCost, StallEnd.
  EndedBy judge(const RuleOptions& options, const Episode& episode, FrameEnd& end) noexcept;

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

  std::int32_t tiles_ = 0;      // visited after the last decision
  std::int32_t idle_ = 0;       // decisions in a row without a new tile
  std::int32_t progress_ = -1;  // the tile that the car has come to
  std::int32_t judged_ = 0;     // tiles below were judged
};

}  // namespace apexline::racing
