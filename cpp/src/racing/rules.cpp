#include "apexline/racing/rules.hpp"

#include <algorithm>

namespace apexline::racing {
namespace {

constexpr std::int32_t kLookAhead = 25;  // tiles; skipped_tiles.py: LOOK_AHEAD

}  // namespace

void RuleBook::begin(const Episode& episode) noexcept {
  tiles_ = episode.num_visited();
  idle_ = 0;
  progress_ = -1;
  judged_ = 0;
  advance(episode);
}

EndedBy RuleBook::judge(const RuleOptions& options, const Episode& episode, FrameEnd& end) noexcept {
  if (options.skipped_tile_cost > 0) {
    advance(episode);
    end.reward -= options.skipped_tile_cost * skipped(episode, options.skipped_tile_margin);
  }
  idle_ = episode.num_visited() == tiles_ ? idle_ + 1 : 0;
  tiles_ = episode.num_visited();

  if (options.full_lap_truncates && end.lap_finished == 1 && tiles_ == episode.num_tiles()) {
    end.terminated = false;
    end.truncated = true;
    return EndedBy::kFullLap;
  }
  if (end.is_last()) return EndedBy::kGame;
  if (options.lap_end_decisions > 0 && idle_ >= options.lap_end_decisions &&
      tiles_ > options.lap_end_fraction * episode.num_tiles()) {
    end.truncated = true;
    return EndedBy::kLapEnd;
  }
  if (options.stall_decisions > 0 && idle_ >= options.stall_decisions) {
    end.reward -= options.stall_penalty;
    end.terminated = true;
    return EndedBy::kStall;
  }
  return EndedBy::kGame;
}

bool RuleBook::fits(const Episode& episode) const noexcept {
  return progress_ >= -1 && progress_ < std::max(episode.num_tiles(), 1) && judged_ >= 0 &&
         judged_ <= episode.num_tiles();
}

void RuleBook::advance(const Episode& episode) noexcept {
  const std::int32_t horizon = progress_ + kLookAhead;
  for (const std::int32_t tile : episode.under_wheels())
    if (tile <= horizon) progress_ = std::max(progress_, tile);
}

std::int32_t RuleBook::skipped(const Episode& episode, std::int32_t margin) noexcept {
  const std::int32_t behind = std::max(judged_, progress_ - margin);
  std::int32_t count = 0;
  for (std::int32_t tile = judged_; tile < behind; ++tile) count += episode.is_visited(tile) ? 0 : 1;
  judged_ = behind;
  return count;
}

}  // namespace apexline::racing
