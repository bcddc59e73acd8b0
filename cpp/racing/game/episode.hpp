// One episode of the game around one car: its road, what of it was visited, the score, and when it ends.
//
// The car itself is a lane of a CarBlock. A frame is: drive; `touch_road`; solve; `finish_frame`.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "racing/base/scene.hpp"
#include "racing/game/palette.hpp"
#include "racing/game/road.hpp"
#include "racing/game/skid_marks.hpp"
#include "racing/physics/kernels/car_kernels.hpp"

namespace apexline::racing {

struct GameOptions {
  std::optional<std::int32_t> max_episode_frames = 1000;  // frames after which an episode is truncated; none: never
  bool domain_randomize = false;                          // random colours at each reset
  // The stock game has a rule that ends a lap at the start line once more than `lap_complete_percent` of the tiles are
  // visited, but its reset visits tile 0 already, so the rule never applies. True makes it apply.
  bool ends_at_start_line = false;
  double lap_complete_percent = 0.95;
  bool keeps_skid_marks = false;  // only images for people show them
};

// What a frame brought; the names of gymnasium.
struct FrameEnd {
  double reward = 0;
  bool terminated = false;
  bool truncated = false;
  std::int8_t lap_finished = -1;  // info["lap_finished"]; -1 where the game does not say

  [[nodiscard]] bool is_last() const noexcept { return terminated || truncated; }
};

class Episode {
 public:
  Episode(const GameOptions& options, const Pcg64::State& random) noexcept;

  // Draws a new track, and new colours where the game randomises them and `recolour` asks for it; puts the car of
  // `lane` on it and plays the frame without action in which CarRacing.reset looks around.
  void begin(const GameOptions& options, const CarKernels& kernels, bool recolour, CarBlock& block, std::size_t lane);

  // The contacts of a frame: which wheels are on the road, and which tiles are visited for the first time.
  void touch_road(const GameOptions& options, CarBlock& block, std::size_t lane);

  // What counts of a frame after the car has moved.
  FrameEnd finish_frame(const GameOptions& options, const CarBlock& block, std::size_t lane) noexcept;

  // What the image of the last frame shows; refers to this episode until its next frame.
  [[nodiscard]] Scene scene(const CarBlock& block, std::size_t lane) const noexcept;

  [[nodiscard]] const Track& track() const noexcept { return track_; }
  [[nodiscard]] const SkidMarks& skid_marks() const noexcept { return skid_marks_; }
  [[nodiscard]] std::int32_t num_tiles() const noexcept { return track_.num_tiles(); }
  [[nodiscard]] std::int32_t num_visited() const noexcept { return num_visited_; }
  [[nodiscard]] bool is_visited(std::int32_t tile) const noexcept {
    return visited_[static_cast<std::size_t>(tile)] != 0;
  }
  // The tiles that a wheel touches, ascending.
  [[nodiscard]] const std::vector<std::int32_t>& under_wheels() const noexcept { return under_wheels_; }
  [[nodiscard]] std::int32_t num_frames() const noexcept { return num_frames_; }
  // CarRacing.reward: what a image says that is drawn after a step, not within it.
  [[nodiscard]] double score() const noexcept { return score_; }
  [[nodiscard]] std::int32_t failed_tracks() const noexcept { return failed_tracks_; }
  [[nodiscard]] const Pcg64& random() const noexcept { return random_; }
  void set_random(const Pcg64::State& state) noexcept { random_ = Pcg64(state); }

  // Everything but the car.
  template <class Archive>
  void serialize(Archive& archive) {
    archive(random_, palette_, colours_, track_.nodes, track_.tiles, track_.kerbs, visited_, touched_, under_wheels_,
            skid_marks_, num_visited_, num_frames_, failed_tracks_, is_on_start_, lap_is_complete_, seconds_, score_,
            score_on_screen_, counted_score_);
  }
  // After reading: makes what follows from the fields. Throws std::invalid_argument where they contradict each other.
  void finish_loading();

 private:
  void visit(std::int32_t tile) noexcept;

  Pcg64 random_;
  Palette palette_;
  Colours colours_ = drawn_colours(palette_);
  Track track_;
  Road road_;
  std::vector<std::uint8_t> visited_;  // by a wheel
  std::vector<std::uint8_t> touched_;  // by any part of the car
  std::vector<std::int32_t> under_wheels_;
  SkidMarks skid_marks_;
  std::int32_t num_visited_ = 0;
  std::int32_t num_frames_ = 0;  // played, without that of reset
  std::int32_t failed_tracks_ = 0;  // attempts before this track
  bool is_on_start_ = false;  // a wheel touches tile 0
  bool lap_is_complete_ = false;  // by the repaired rule
  double seconds_ = 0;  // CarRacing.t
  double score_ = 0;  // CarRacing.reward
  double score_on_screen_ = 0;  // the same before the last frame was charged
  double counted_score_ = 0;  // CarRacing.prev_reward
};

}  // namespace apexline::racing
