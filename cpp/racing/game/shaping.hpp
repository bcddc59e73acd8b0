// Reward shaping: rules that end training episodes early and change their rewards.
//
// The reference implementation is the wrappers in python/apexline/racing/stock/wrappers/.
#pragma once

#include <cstdint>
#include <optional>

#include "racing/game/episode.hpp"

namespace apexline::racing {

// The fields of apexline.racing.ShapingRules; all off by default. A step is one action, held for action_repeat frames.
struct ShapingOptions {
  std::optional<std::int32_t> stall_steps;  // steps in a row without a new tile that terminate an episode; none: never
  double stall_penalty = 10;  // subtracted from the reward of that step
  double idle_penalty = 0;  // subtracted from the reward of every step without a new tile
  std::optional<double> lap_bonus;  // a lap terminates the episode with this bonus; none: off
  double missed_tile_penalty = 0;  // subtracted once from a step after which a tile is newly found missed
  std::int32_t missed_tile_margin = 3;  // tiles behind the car before an unvisited tile counts as missed
};

enum class EndedBy : std::uint8_t { kGame, kStall, kLapEnd };

// The state of the rules in one episode. Only the number of checked tiles depends on which rules are on.
class Shaping {
 public:
  void begin(const Episode& episode) noexcept;

  // Applies the rules to the end of a step, in the order LapTermination, MissedTilePenalty, IdlePenalty,
  // StallTermination: changes reward and terminated of `end`. O(tiles under the wheels and newly checked).
  EndedBy apply(const ShapingOptions& options, const Episode& episode, FrameEnd& end) noexcept;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(num_visited_, idle_steps_, progress_, num_checked_);
  }
  // Whether a deserialised state is possible in this episode.
  [[nodiscard]] bool fits(const Episode& episode) const noexcept;

 private:
  // Updates progress_; returns whether the car has completed a lap.
  bool advance(const Episode& episode) noexcept;
  // Checks the tiles below `end` that were not checked before; returns whether any of them is unvisited.
  bool misses_tile(const Episode& episode, std::int32_t end) noexcept;

  std::int32_t num_visited_ = 0;  // tiles visited after the last step
  std::int32_t idle_steps_ = 0;  // steps in a row without a new tile
  // Tiles are counted from the start tile.
  std::int32_t progress_ = -1;  // the foremost tile reached
  std::int32_t num_checked_ = 0;  // tiles below were checked by the rule of missed tiles
};

}  // namespace apexline::racing
