// Many environments stepped together: physics in blocks of eight cars, then images, both distributed over threads.
//
// Results depend on seeds and actions only, not on the number of threads or environments or on the instruction set. Not
// thread-safe: one caller at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "racing/game/episode.hpp"
#include "racing/game/shaping.hpp"
#include "racing/render/frame/painter_pool.hpp"
#include "racing/render/frame_stacks.hpp"
#include "support/thread_pool.hpp"

namespace apexline::racing {

// What becomes of an environment whose episode has ended: as in gymnasium.vector.AutoresetMode, or with kContinue it is
// stepped on, as the stock game is.
enum class Autoreset : std::uint8_t { kNextStep, kSameStep, kDisabled, kContinue };

struct WorldOptions {
  std::int32_t num_envs = 1;
  GameOptions game;
  ShapingOptions rules;
  std::int32_t action_repeat = 1;  // frames per step
  std::int32_t skip_zoom = 0;  // frames without action between a reset and the first observation
  Autoreset autoreset = Autoreset::kNextStep;
  FrameFormat format;
  std::int32_t frame_stack = 1;  // frames of an observation, those of the last steps; see FrameStacks
  int num_threads = 1;

  // Of the format's frames, concatenated along the channel axis or, if there is none, along a new first axis.
  [[nodiscard]] constexpr FrameShape observation_shape() const noexcept {
    FrameShape shape = format.shape();
    if (frame_stack > 1 && shape.channel_axis == FrameShape::kNoAxis) shape.channel_axis = 0;
    shape.channels *= frame_stack;
    return shape;
  }
};

// An action of CarRacing: steer from -1 (left) to 1 (right), gas and brake from 0 to 1.
struct Action {
  double steer = 0;
  double gas = 0;
  double brake = 0;
  // False: a frame of CarRacing.step(None), which keeps the controls and neither rewards nor terminates.
  bool is_given = true;
};

// The results of a step or reset besides the image.
struct Report {
  double reward = 0;
  bool terminated = false;
  bool truncated = false;
  bool was_reset = false;  // the observation is the first of an episode
  EndedBy ended_by = EndedBy::kGame;
  std::int8_t lap_finished = -1;
  std::int32_t repeats = 0;  // frames played in this step
  double score = 0;  // sum of the unshaped rewards of the episode
  std::int32_t frames = 0;  // of the episode
  double tiles = 0;  // fraction of the tiles visited
};

// Statistics of a running episode that the caller keeps, and saves with the state.
struct EpisodeSoFar {
  double total = 0;  // sum of the rewards of its steps
  std::int64_t steps = 0;
  double seconds = 0;  // wall-clock time since its reset

  bool operator==(const EpisodeSoFar&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(total, steps, seconds);
  }
  // Whether deserialised statistics can occur.
  [[nodiscard]] bool is_possible() const noexcept;
};

class World {
 public:
  // `random` holds num_envs states of the generators of tracks and colours. Throws std::invalid_argument if the frame
  // format, the glyphs or the number of states is invalid.
  World(const WorldOptions& options, const Glyphs& glyphs, std::span<const Pcg64::State> random);

  [[nodiscard]] const WorldOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::size_t num_envs() const noexcept { return games_.size(); }
  [[nodiscard]] std::size_t observation_bytes() const noexcept { return options_.observation_shape().bytes(); }

  struct ResetChoice {
    bool resets = true;
    bool recolours = true;  // with domain_randomize
    std::optional<Pcg64::State> random;  // replaces the state of the random generator
  };
  // The environments of a call, each once; empty: all. Row i of every argument and result belongs to envs[i]; the other
  // environments do not change.
  using Selection = std::span<const std::uint32_t>;

  // Starts an episode in the environments whose row of `choices` resets. `frames` is (rows, observation_bytes()) uint8;
  // frames and reports of the other rows are not written.
  void reset(std::span<const ResetChoice> choices, std::uint8_t* frames, std::span<Report> reports,
             Selection envs = {});

  // Steps every selected environment by one action. With kNextStep, one whose episode has ended is reset instead. With kSameStep,
  // one whose episode ends is reset at once: frame and report are those of the new episode except for reward, terminated,
  // truncated and repeats, and the last frame and report of the old episode are written to `final_frames` and
  // `final_reports`. Precondition: no selected environment needs a reset.
  void step(std::span<const Action> actions, std::uint8_t* frames, std::span<Report> reports,
            std::uint8_t* final_frames, std::span<Report> final_reports, Selection envs = {});

  // Replaces the reward shaping from the next step on. Nothing else changes: steps without a new tile keep counting
  // towards a stall, and tiles that were checked are not checked again.
  void set_rules(const ShapingOptions& rules) noexcept { options_.rules = rules; }

  // Writes the observations (rows, observation_bytes()) of the current states. Precondition: the selected environments were reset.
  void draw(std::uint8_t* frames, Selection envs = {});

  // Whether the environment was never reset, or has ended with autoreset kDisabled.
  [[nodiscard]] bool needs_reset(std::size_t env) const noexcept;
  // Whether the next step resets the environment instead of stepping it.
  [[nodiscard]] bool will_reset(std::size_t env) const noexcept {
    return games_[env].phase == Phase::kEnded && options_.autoreset == Autoreset::kNextStep;
  }

  [[nodiscard]] const Episode& episode(std::size_t env) const noexcept { return games_[env].episode; }
  [[nodiscard]] const CarBlock& block_of(std::size_t env) const noexcept { return blocks_[env / kLanes]; }
  // Valid until the next step.
  [[nodiscard]] Scene scene(std::size_t env) const noexcept;

  // The state of an environment as bytes, for the same version of the library on the same kind of machine. Equal states
  // have equal bytes.
  [[nodiscard]] std::vector<std::uint8_t> save(std::size_t env, const EpisodeSoFar& so_far = {}) const;
  // A state that was read for one environment and can be restored there.
  class SavedGame;
  // Reads a saved state. Throws std::invalid_argument unless every number of it can occur in a game with some
  // GameOptions and this world's format and autoreset: what is returned can be stepped, drawn and saved. Its memory is
  // bounded by the number of bytes.
  [[nodiscard]] SavedGame read(std::size_t env, std::span<const std::uint8_t> bytes) const;
  // Restores a state that `read` returned since the environment was last changed.
  void restore(SavedGame saved) noexcept;
  // Both. If it throws, nothing changes.
  EpisodeSoFar load(std::size_t env, std::span<const std::uint8_t> bytes);

 private:
  enum class Phase : std::uint8_t { kNew, kRunning, kEnded };
  struct Game {
    Episode episode;
    Shaping shaping;
    Phase phase = Phase::kNew;
    double score = 0;  // sum of the unshaped rewards
    Report report{};  // of the last step or reset
  };

  class BlockStep;

  // Whether the next step plays frames in the environment.
  [[nodiscard]] bool is_playing(std::size_t env) const noexcept {
    const Phase phase = games_[env].phase;
    return phase == Phase::kRunning || (phase == Phase::kEnded && options_.autoreset == Autoreset::kContinue);
  }

  // The selected cars of one block of eight.
  struct LaneChoice {
    std::size_t block = 0;
    LaneMask lanes = 0;
    std::array<std::uint32_t, kLanes> rows{};  // of their actions

    void add(std::uint32_t env, std::uint32_t row) noexcept {
      lanes |= LaneMask{1} << env % kLanes;
      rows[env % kLanes] = row;
    }
  };

  // One choice for each block that holds a selected environment; valid until the next call.
  std::span<const LaneChoice> lanes_of(Selection envs);
  void step_block(const LaneChoice& choice, std::span<const Action> actions);
  void step_pair(const LaneChoice& one, const LaneChoice& other, std::span<const Action> actions);
  void begin(std::size_t env, bool recolours);
  // Draws the current frame, the first of an episode if the last report says so, and writes the observation with it.
  void observe(std::size_t env, Painter& painter, std::uint8_t* out);
  static void fill_report(Game& game) noexcept;
  // Calls work(row, env, painter) for every selected environment, distributed over the threads.
  template <class Work>
  void for_each_game(Selection envs, const Work& work);

  WorldOptions options_;
  const CarKernels& kernels_;
  const DriveConstants drive_constants_;
  std::vector<CarBlock> blocks_;
  std::vector<Game> games_;
  std::vector<LaneChoice> every_lane_;  // all environments
  std::vector<LaneChoice> chosen_;  // of the current step, if it selects environments
  std::vector<std::int32_t> place_of_block_;  // in chosen_; -1: not in it
  ThreadPool pool_;
  PainterPool painters_;
  std::optional<FrameStacks> stacks_;  // if frame_stack > 1
};

class World::SavedGame {
 public:
  [[nodiscard]] const EpisodeSoFar& so_far() const noexcept { return so_far_; }

 private:
  friend class World;
  SavedGame(std::size_t env, const GameOptions& options) : env_(env), game_{Episode(options, {}), {}} {}

  std::size_t env_;
  Game game_;
  CarBlock block_{};  // the car in its first lane
  EpisodeSoFar so_far_;
  std::vector<std::uint8_t> frames_;  // of the stack
};

}  // namespace apexline::racing
