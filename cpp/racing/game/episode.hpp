// One episode of the game: the road, the visited tiles, the score, and the conditions that end it.
//
// The car itself is a lane of a CarBlock. A frame is: drive; `touch_road`; solve; `finish_frame`. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "racing/base/scene.hpp"
#include "racing/game/palette.hpp"
#include "racing/game/road.hpp"
#include "racing/game/skid_marks.hpp"
#include "racing/physics/kernels/car_kernels.hpp"

namespace apexline::racing {

struct GameOptions {
  std::optional<std::int32_t> max_episode_frames;  // frames after which an episode is truncated; none: never
  bool domain_randomize = false;                   // random colours at each reset
  // The stock game ends a lap at the first visit of tile 0 if more than `lap_complete_percent` of the tiles are visited,
  // which never applies if the car starts there. True: at a return to the start tile instead.
  bool ends_at_start_line = false;
  double lap_complete_percent = 0.95;
  std::shared_ptr<const Track> track;  // of every episode; none: a random one each
  // Node at which the car starts, modulo the number of nodes; none: a random one each.
  std::optional<std::int32_t> start_tile = 0;
  double start_speed = 0;  // units per second
  double friction = 1;  // factor of FRICTION_LIMIT
  double engine_power = 1;  // factor of ENGINE_POWER
  // ZOOM. The renderers need 0.1 to 5: the stock game leaves out visible polygons below, and above coordinates of the
  // field's corners exceed its 16 bits while the car is on the field.
  double zoom = kZoom;
  bool keeps_skid_marks = false;  // only images for people show them
};

[[nodiscard]] inline DriveConstants drive_constants(const GameOptions& options) noexcept {
  return {kFrictionLimit * options.friction, kEnginePower * options.engine_power};
}

// The result of a frame, under the names of gymnasium.
struct FrameEnd {
  double reward = 0;
  bool terminated = false;
  bool truncated = false;
  std::int8_t lap_finished = -1;  // info["lap_finished"]; -1: not set

  [[nodiscard]] bool is_last() const noexcept { return terminated || truncated; }
};

class Episode {
 public:
  Episode(const GameOptions& options, const Pcg64::State& random) noexcept;

  // Creates a track unless the options hold one, and new colours if domain_randomize and `recolour` are set; places the
  // car of `lane` at its start, after the track, and plays the frame without action of CarRacing.reset.
  void begin(const GameOptions& options, const CarKernels& kernels, bool recolour, CarBlock& block, std::size_t lane);

  // Updates the contacts of a frame: the wheels on the road and the visited tiles. O(tiles).
  void touch_road(const GameOptions& options, CarBlock& block, std::size_t lane);

  // Updates clock and score after the car has moved; O(1). Without an action, as in CarRacing.step(None), only the clock:
  // the reward of new tiles, and the end of a lap or off the field, belong to the next frame with one.
  FrameEnd finish_frame(const GameOptions& options, const CarBlock& block, std::size_t lane,
                        bool has_action = true) noexcept;

  // The scene of the last frame; refers to this episode and is valid until its next frame.
  [[nodiscard]] Scene scene(const CarBlock& block, std::size_t lane) const noexcept;

  [[nodiscard]] const Track& track() const noexcept { return track_; }
  [[nodiscard]] const SkidMarks& skid_marks() const noexcept { return skid_marks_; }
  // The tile from whose end the car starts. Progress along the road is counted from it.
  [[nodiscard]] std::int32_t start_tile() const noexcept { return start_tile_; }
  [[nodiscard]] std::int32_t num_tiles() const noexcept { return track_.num_tiles(); }
  [[nodiscard]] std::int32_t num_visited() const noexcept { return num_visited_; }
  [[nodiscard]] bool is_visited(std::int32_t tile) const noexcept {
    return visited_[static_cast<std::size_t>(tile)] != 0;
  }
  // The tiles that a wheel touches, ascending.
  [[nodiscard]] const std::vector<std::int32_t>& under_wheels() const noexcept { return under_wheels_; }
  // For each of these tiles the wheels that touch it: bit `w` for wheel `w`.
  [[nodiscard]] const std::vector<std::uint8_t>& touching_wheels() const noexcept { return touching_wheels_; }
  [[nodiscard]] std::int32_t num_frames() const noexcept { return num_frames_; }
  // CarRacing.reward: the score displayed by render(), which includes the last frame's penalty.
  [[nodiscard]] double score() const noexcept { return score_; }
  // The number in the observation: the same without the last frame's penalty.
  [[nodiscard]] double score_on_screen() const noexcept { return score_on_screen_; }
  // CarRacing.prev_reward: the score when the last frame with an action ended.
  [[nodiscard]] double counted_score() const noexcept { return counted_score_; }
  [[nodiscard]] bool lap_is_complete() const noexcept { return lap_is_complete_; }
  [[nodiscard]] double seconds() const noexcept { return seconds_; }
  [[nodiscard]] const Palette& palette() const noexcept { return palette_; }
  [[nodiscard]] const Road& road() const noexcept { return road_; }
  // A number that no other episode of this process has; 0 before the first. Restoring a state of another road changes it.
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] std::int32_t failed_tracks() const noexcept { return failed_tracks_; }
  [[nodiscard]] const Pcg64& random() const noexcept { return random_; }
  void set_random(const Pcg64::State& state) noexcept { random_ = Pcg64(state); }

  // All of the state but the car, and but what `finish_loading` computes from it.
  template <class Archive>
  void serialize(Archive& archive) {
    archive(random_, palette_, track_.nodes, visited_, touched_, under_wheels_, touching_wheels_, skid_marks_,
            num_frames_, failed_tracks_, start_tile_, lap_is_complete_, seconds_, score_, score_on_screen_,
            counted_score_);
  }
  // To be called after deserialising. Throws std::invalid_argument if a field is impossible. Else computes the others,
  // with the road and the id of `before`, an episode that the state replaces, if it has the same nodes.
  void finish_loading(const Episode& before);

 private:
  void visit(std::int32_t tile) noexcept;
  void require_possible_counters() const;
  void require_possible_tiles() const;

  Pcg64 random_;
  Palette palette_;
  Colours colours_ = surface_colours(palette_);
  Track track_;
  Road road_;
  std::vector<std::uint8_t> visited_;  // by a wheel
  std::vector<std::uint8_t> touched_;  // by any part of the car
  std::vector<std::int32_t> under_wheels_;
  std::vector<std::uint8_t> touching_wheels_;  // one entry per entry of under_wheels_
  SkidMarks skid_marks_;
  std::int32_t num_visited_ = 0;  // not part of a saved state
  std::int32_t num_frames_ = 0;  // without the frame of reset
  std::int32_t failed_tracks_ = 0;  // attempts before this track; 0 if it is the track of the options
  std::int32_t start_tile_ = 0;
  bool is_on_start_ = false;  // a wheel touches start_tile_; not part of a saved state
  bool lap_is_complete_ = false;  // CarRacing.new_lap
  double seconds_ = 0;  // CarRacing.t
  double score_ = 0;  // CarRacing.reward
  double score_on_screen_ = 0;  // the same without the last frame's penalty
  double counted_score_ = 0;  // CarRacing.prev_reward
  std::uint64_t id_ = 0;  // not part of a saved state
};

}  // namespace apexline::racing
