// Worlds, actions for them, and their results.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "games.hpp"
#include "racing/base/state_io.hpp"
#include "racing/world.hpp"

namespace apexline::test {

// Glyphs of solid ink, so that no image depends on a font.
inline racing::Glyphs plain_digits() {
  racing::Glyphs glyphs;
  glyphs.height = 20;
  for (racing::Glyph& glyph : glyphs.characters) {
    glyph.width = 12;
    glyph.coverage.assign(20 * 12, 255);
  }
  for (auto& row : glyphs.steps) row.fill(13 * 64);
  return glyphs;
}

inline racing::WorldOptions small_frames(std::int32_t num_envs, int num_threads = 1) {
  racing::WorldOptions options;
  options.num_envs = num_envs;
  options.num_threads = num_threads;
  options.format = {.crop_hud = true, .gray = true, .frame_size = 42};
  return options;
}

// As small_frames, with episodes of 10 frames.
inline racing::WorldOptions short_episodes(std::int32_t num_envs, racing::Autoreset autoreset) {
  racing::WorldOptions options = small_frames(num_envs);
  options.game.max_episode_frames = 10;
  options.autoreset = autoreset;
  return options;
}

inline racing::World world_of(const racing::WorldOptions& options) {
  std::vector<racing::Pcg64::State> random;
  for (std::int32_t env = 0; env < options.num_envs; ++env)
    random.push_back(game_seed(static_cast<std::uint64_t>(env)));
  return racing::World(options, plain_digits(), random);
}

// The results of one environment, as bytes.
struct Outcome {
  std::vector<std::uint8_t> frame, final_frame, report, final_report;
  bool operator==(const Outcome&) const = default;
};

inline std::vector<std::uint8_t> bytes_of(racing::Report report) {
  racing::StateWriter writer;
  writer(report.reward, report.terminated, report.truncated, report.was_reset, report.ended_by, report.lap_finished,
         report.repeats, report.score, report.frames, report.tiles);
  return writer.take();
}

// A world with its buffers.
class TestWorld {
 public:
  explicit TestWorld(const racing::WorldOptions& options)
      : world(world_of(options)),
        reports(world.num_envs()),
        final_reports(world.num_envs()),
        frames(world.num_envs() * world.observation_bytes()),
        final_frames(frames.size()) {}

  void reset() { reset(std::vector<racing::World::ResetChoice>(world.num_envs())); }
  void reset(const std::vector<racing::World::ResetChoice>& choices) { world.reset(choices, frames.data(), reports); }

  // Follows the road, a little worse with each environment.
  std::vector<racing::Action> actions() const {
    std::vector<racing::Action> all(world.num_envs());
    for (std::size_t env = 0; env < all.size(); ++env) {
      const Pedals pedals = follow_lane(world.episode(env), world.block_of(env), env % racing::kLanes);
      all[env] = {pedals.steer + 0.1 * static_cast<double>(env % 5), pedals.gas, 0};
    }
    return all;
  }

  void step() { step(actions()); }
  void step(const std::vector<racing::Action>& actions) {
    std::fill(final_frames.begin(), final_frames.end(), std::uint8_t{0});
    std::fill(final_reports.begin(), final_reports.end(), racing::Report{});
    world.step(actions, frames.data(), reports, final_frames.data(), final_reports);
  }

  Outcome outcome(std::size_t env) const {
    const auto part = [&](const std::vector<std::uint8_t>& all) {
      const std::size_t size = all.size() / world.num_envs();
      const auto from = all.begin() + static_cast<std::ptrdiff_t>(env * size);
      return std::vector<std::uint8_t>(from, from + static_cast<std::ptrdiff_t>(size));
    };
    return {part(frames), part(final_frames), bytes_of(reports[env]), bytes_of(final_reports[env])};
  }

  racing::World world;
  std::vector<racing::Report> reports, final_reports;
  std::vector<std::uint8_t> frames, final_frames;
};

}  // namespace apexline::test
