// Many games stepped together: physics by blocks of eight cars, then images, both spread over threads.
//
// What comes out depends on seeds and actions alone, not on threads, instruction set or the number of games. Not
// thread-safe: one caller at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "racing/game/episode.hpp"
#include "racing/game/shaping.hpp"
#include "racing/render/fast/painter_pool.hpp"
#include "support/thread_pool.hpp"

namespace apexline::racing {

// When a game that has ended begins anew (gymnasium.vector.AutoresetMode).
enum class Autoreset : std::uint8_t { kNextStep, kSameStep, kDisabled };

struct WorldOptions {
  std::int32_t num_envs = 1;
  GameOptions game;
  ShapingOptions rules;
  std::int32_t action_repeat = 1;  // frames for which an action is held
  std::int32_t skip_zoom = 0;      // frames without action after a reset, before the first observation
  Autoreset autoreset = Autoreset::kNextStep;
  FrameFormat format;
  int num_threads = 1;
};

// What CarRacing.step is given, steering as the player sees it: +1 is right.
struct Action {
  double steer = 0;
  double gas = 0;
  double brake = 0;
};

// What a step tells of a game besides its image.
struct Report {
  double reward = 0;
  bool terminated = false;
  bool truncated = false;
  bool was_reset = false;   // the observation is the first of an episode
  EndedBy ended_by = EndedBy::kGame;
  std::int8_t lap_finished = -1;
  std::int32_t repeats = 0;  // frames played by this step
  double score = 0;          // sum of the game's own rewards of the episode
  std::int32_t frames = 0;   // of the episode
  double tiles = 0;          // fraction of the tiles visited

  template <class Archive>
  void serialize(Archive& archive) {
    archive(reward, terminated, truncated, was_reset, ended_by, lap_finished, repeats, score, frames, tiles);
  }
};

class World {
 public:
  // `random`: the state from which each game draws its tracks, num_envs of them.
  // Throws std::invalid_argument where the frame format or the glyphs are not possible, or there
  // are more or fewer random states.
  World(const WorldOptions& options, const Glyphs& glyphs, std::span<const Pcg64::State> random);

  [[nodiscard]] const WorldOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::size_t num_envs() const noexcept { return games_.size(); }

  struct ResetChoice {
    bool resets = true;
    bool recolours = true;               // where the game randomises its colours
    std::optional<Pcg64::State> random;  // replaces the game's random state
  };
  // Begins episodes in the chosen games. `frames` is (num_envs, format.bytes()); what belongs to the others is not
  // written.
  void reset(std::span<const ResetChoice> choices, std::uint8_t* frames, std::span<Report> reports);

  // Plays an action in every game that is in an episode. One that ended with the last step begins anew instead
  // (kNextStep). Where one ends now and the autoreset is kSameStep, frame and report are those of the new episode but
  // for reward, terminated, truncated and repeats, and `final_frames` and `final_reports` get the last of the old one.
  // Precondition: no game needs a reset.
  void step(std::span<const Action> actions, std::uint8_t* frames, std::span<Report> reports,
            std::uint8_t* final_frames, std::span<Report> final_reports);

  // Replaces the reward shaping from the next step on. Games, their random states and the rules' own counters stay as
  // they are: steps without a new tile go on counting, and a tile that was checked is not checked again.
  void set_rules(const ShapingOptions& rules) noexcept { options_.rules = rules; }

  // The frames (num_envs, format.bytes()) of all games as they stand. Precondition: every game was reset.
  void draw(std::uint8_t* frames);

  // Whether the game was never reset, or has ended and does not begin anew by itself.
  [[nodiscard]] bool needs_reset(std::size_t env) const noexcept;

  [[nodiscard]] const Episode& episode(std::size_t env) const noexcept { return games_[env].episode; }
  [[nodiscard]] const CarBlock& block_of(std::size_t env) const noexcept { return blocks_[env / kLanes]; }
  // Refers to the world until its next step.
  [[nodiscard]] Scene scene(std::size_t env) const noexcept;

  // A game's whole state as bytes, for the same version of the library on the same kind of machine.
  // `note` is stored along with it, under the same checksum; `load` returns it.
  [[nodiscard]] std::vector<std::uint8_t> save(std::size_t env, std::span<const std::uint8_t> note = {}) const;
  // Throws std::invalid_argument, and changes nothing, where the bytes are not such a state.
  std::vector<std::uint8_t> load(std::size_t env, std::span<const std::uint8_t> bytes);

 private:
  enum class Phase : std::uint8_t { kNew, kRunning, kEnded };
  struct Game {
    Episode episode;
    Shaping rules;
    Phase phase = Phase::kNew;
    double score = 0;  // sum of the game's own rewards
    Report report{};   // of the last step or reset
  };

  class Play;

  void play(std::size_t block, std::span<const Action> actions);
  void play_pair(std::size_t block, std::span<const Action> actions);
  void begin(std::size_t env, bool recolours);
  void fill_report(Game& game) const noexcept;
  // Calls work(env, painter) for every game, spread over the threads.
  template <class Work>
  void for_each_game(const Work& work);

  WorldOptions options_;
  const CarKernels& kernels_;
  std::vector<CarBlock> blocks_;
  std::vector<Game> games_;
  ThreadPool pool_;
  PainterPool painters_;
};

}  // namespace apexline::racing
