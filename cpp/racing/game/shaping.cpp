#include "racing/game/shaping.hpp"

#include <algorithm>

namespace apexline::racing {
namespace {

constexpr std::int32_t kLookAhead = 25;  // tiles; missed_tiles.py: LOOK_AHEAD

}  // namespace

void Shaping::begin(const Episode& episode) noexcept {
  tiles_ = episode.num_visited();
  idle_ = 0;
  progress_ = -1;
  judged_ = 0;
  advance(episode);
}

EndedBy Shaping::judge(const ShapingOptions& options, const Episode& episode, FrameEnd& end) noexcept {
  auto ended_by = EndedBy::kGame;
  const bool came_round = advance(episode);
  bool lap_is_over = end.lap_finished == 1;
  if (options.lap_bonus > 0 && came_round && !end.is_last()) {
    end.terminated = true;
    ended_by = EndedBy::kLapEnd;
    lap_is_over = true;
  }
  if (lap_is_over) end.reward += options.lap_bonus;
  const std::int32_t behind = lap_is_over ? episode.num_tiles() : progress_ - options.missed_tile_margin;
  if (skipped(episode, behind)) end.reward -= options.missed_tile_penalty;
  idle_ = episode.num_visited() == tiles_ ? idle_ + 1 : 0;
  tiles_ = episode.num_visited();
  if (idle_ > 0) end.reward -= options.idle_penalty;
  if (options.stall_steps > 0 && idle_ >= options.stall_steps && !end.is_last()) {
    end.reward -= options.stall_penalty;
    end.terminated = true;
    ended_by = EndedBy::kStall;
  }
  return ended_by;
}

bool Shaping::fits(const Episode& episode) const noexcept {
  return progress_ >= -1 && progress_ < std::max(episode.num_tiles(), 1) && judged_ >= 0 &&
         judged_ <= episode.num_tiles();
}

bool Shaping::advance(const Episode& episode) noexcept {
  const std::int32_t horizon = progress_ + kLookAhead;
  bool came_round = false;
  for (const std::int32_t tile : episode.under_wheels()) {
    if (tile <= horizon) progress_ = std::max(progress_, tile);
    came_round = came_round || tile + episode.num_tiles() <= horizon;
  }
  return came_round;
}

bool Shaping::skipped(const Episode& episode, std::int32_t behind) noexcept {
  bool any = false;
  for (; judged_ < behind; ++judged_) any = any || !episode.is_visited(judged_);
  return any;
}

}  // namespace apexline::racing
