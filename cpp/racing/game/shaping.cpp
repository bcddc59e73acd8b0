#include "racing/game/shaping.hpp"

#include <algorithm>
#include <limits>

namespace apexline::racing {
namespace {

// LOOK_AHEAD of the wrapper MissedTilePenalty, tiles: a tile further ahead was not reached along the road.
constexpr std::int32_t kLookAhead = 25;

// The number of a tile counted from the start tile, and back.
std::int32_t from_start(const Episode& episode, std::int32_t tile) noexcept {
  const std::int32_t ahead = tile - episode.start_tile();
  return ahead < 0 ? ahead + episode.num_tiles() : ahead;
}
std::int32_t tile_at(const Episode& episode, std::int32_t ahead) noexcept {
  const std::int32_t tile = ahead + episode.start_tile();
  return tile >= episode.num_tiles() ? tile - episode.num_tiles() : tile;
}

}  // namespace

void Shaping::begin(const Episode& episode) noexcept {
  num_visited_ = episode.num_visited();
  idle_steps_ = 0;
  progress_ = -1;
  num_checked_ = 0;
  advance(episode);
}

EndedBy Shaping::apply(const ShapingOptions& options, const Episode& episode, FrameEnd& end) noexcept {
  auto ended_by = EndedBy::kGame;
  const bool completes_lap = advance(episode);
  bool lap_is_over = end.lap_finished == 1;
  if (options.lap_bonus && completes_lap && !end.is_last()) {
    end.terminated = true;
    ended_by = EndedBy::kLapEnd;
    lap_is_over = true;
  }
  if (lap_is_over) end.reward += options.lap_bonus.value_or(0);
  const std::int32_t passed = lap_is_over ? episode.num_tiles() : progress_ - options.missed_tile_margin;
  if (misses_tile(episode, passed)) end.reward -= options.missed_tile_penalty;
  if (episode.num_visited() != num_visited_)
    idle_steps_ = 0;
  else if (idle_steps_ < std::numeric_limits<std::int32_t>::max())  // an episode may have no limit
    ++idle_steps_;
  num_visited_ = episode.num_visited();
  if (idle_steps_ > 0) end.reward -= options.idle_penalty;
  if (options.stall_steps && idle_steps_ >= *options.stall_steps && !end.is_last()) {
    end.reward -= options.stall_penalty;
    end.terminated = true;
    ended_by = EndedBy::kStall;
  }
  return ended_by;
}

bool Shaping::fits(const Episode& episode) const noexcept {
  return num_visited_ == episode.num_visited() && idle_steps_ >= 0 && idle_steps_ <= episode.num_frames() &&
         progress_ >= -1 && progress_ < std::max(episode.num_tiles(), 1) && num_checked_ >= 0 &&
         num_checked_ <= episode.num_tiles();
}

bool Shaping::advance(const Episode& episode) noexcept {
  const std::int32_t horizon = progress_ + std::min(kLookAhead, episode.num_tiles() / 2);
  bool completes_lap = false;
  for (const std::int32_t tile : episode.under_wheels()) {
    const std::int32_t ahead = from_start(episode, tile);
    if (ahead <= horizon) progress_ = std::max(progress_, ahead);
    completes_lap = completes_lap || ahead + episode.num_tiles() <= horizon;
  }
  return completes_lap;
}

bool Shaping::misses_tile(const Episode& episode, std::int32_t end) noexcept {
  bool any = false;
  for (; num_checked_ < end; ++num_checked_) any = any || !episode.is_visited(tile_at(episode, num_checked_));
  return any;
}

}  // namespace apexline::racing
