#include "racing/world.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "racing/base/state_io.hpp"
#include "support/errors.hpp"

namespace apexline::racing {
namespace {

constexpr std::uint64_t kStateMark = 0x3630657461745378ULL;  // to be changed when the layout of a state changes

constexpr double kMaxScore = 1e15;  // of an episode: far more than 2^31 frames of 100 points

// The frames of a stack and the options on which their bytes depend, with which a world must agree to load them. Without
// a stack there are no frames, and any format will do.
struct StackRecord {
  StackRecord() = default;
  StackRecord(const WorldOptions& options, std::vector<std::uint8_t> all)
      : depth(options.frame_stack), frames(std::move(all)) {
    if (depth > 1) format = format_of(options.format);
  }

  static std::array<std::int32_t, 7> format_of(const FrameFormat& format) noexcept {
    return {format.crop_hud,       format.gray,          format.frame_size.height, format.frame_size.width,
            format.channels_first, format.road_contrast, format.keep_dim};
  }

  void require_format(const WorldOptions& options) const {
    if (depth != options.frame_stack)
      throw std::invalid_argument(text("the state has frame_stack ", depth, "; expected ", options.frame_stack));
    const bool is_stack = depth > 1;
    if (format != (is_stack ? format_of(options.format) : std::array<std::int32_t, 7>{}) ||
        frames.size() != (is_stack ? static_cast<std::size_t>(depth) * options.format.bytes() : 0))
      throw std::invalid_argument("the state has frames of another size or format; expected those of this environment");
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(depth, format, frames);
  }

  std::int32_t depth = 1;
  std::array<std::int32_t, 7> format{};
  std::vector<std::uint8_t> frames;
};

// FNV-1a
std::uint64_t checksum(std::span<const std::uint8_t> bytes) noexcept {
  std::uint64_t sum = 0xcbf29ce484222325ULL;
  for (const std::uint8_t byte : bytes) sum = (sum ^ byte) * 0x100000001b3ULL;
  return sum;
}

}  // namespace

World::World(const WorldOptions& options, const Glyphs& glyphs, std::span<const Pcg64::State> random)
    : options_(options),
      kernels_(car_kernels(chosen_isa())),
      drive_constants_(drive_constants(options.game)),
      blocks_((random.size() + kLanes - 1) / kLanes),
      pool_(options.num_threads),
      painters_(options.format, glyphs,
                std::min<std::size_t>(random.size(), static_cast<std::size_t>(options.num_threads))) {
  if (random.size() != static_cast<std::size_t>(options.num_envs))
    throw std::invalid_argument(text("random holds ", random.size(), " states; expected ", options.num_envs));
  if (options.frame_stack > 1) {
    const FrameShape shape = options.format.shape();
    const bool channels_last = shape.channel_axis == 2;
    stacks_.emplace(random.size(), static_cast<std::size_t>(options.frame_stack), shape.bytes(),
                    channels_last ? static_cast<std::size_t>(shape.channels) : shape.bytes());
  }
  games_.reserve(random.size());
  for (const Pcg64::State& state : random) games_.push_back({Episode(options.game, state), {}});
  // Lanes without an environment in an episode are computed as well and ignored.
  for (CarBlock& block : blocks_)
    for (std::size_t lane = 0; lane < kLanes; ++lane) place_car(block, lane, {}, 0);
  for (std::size_t block = 0; block < blocks_.size(); ++block)
    every_lane_.push_back({.block = block, .lanes = 0, .rows = {}});
  for (std::uint32_t env = 0; env < games_.size(); ++env) every_lane_[env / kLanes].add(env, env);
  place_of_block_.assign(blocks_.size(), -1);
}

void World::reset(std::span<const ResetChoice> choices, std::uint8_t* frames, std::span<Report> reports,
                  Selection envs) {
  for_each_game(envs, [&](std::size_t row, std::size_t env, Painter& painter) {
    if (!choices[row].resets) return;
    if (choices[row].random) games_[env].episode.set_random(*choices[row].random);
    begin(env, choices[row].recolours);
    reports[row] = games_[env].report;
    observe(env, painter, frames + row * observation_bytes());
  });
}

std::span<const World::LaneChoice> World::lanes_of(Selection envs) {
  if (envs.empty()) return every_lane_;
  chosen_.clear();
  std::uint32_t row = 0;
  for (const std::uint32_t env : envs) {
    std::int32_t& place = place_of_block_[env / kLanes];
    if (place < 0) {
      place = static_cast<std::int32_t>(chosen_.size());
      chosen_.push_back({.block = env / kLanes, .lanes = 0, .rows = {}});
    }
    chosen_[static_cast<std::size_t>(place)].add(env, row++);
  }
  for (const LaneChoice& choice : chosen_) place_of_block_[choice.block] = -1;
  return chosen_;
}

void World::step(std::span<const Action> actions, std::uint8_t* frames, std::span<Report> reports,
                 std::uint8_t* final_frames, std::span<Report> final_reports, Selection envs) {
  const std::span<const LaneChoice> choices = lanes_of(envs);
  // Blocks are stepped in pairs unless that leaves a thread without work.
  const auto num_blocks = static_cast<std::int64_t>(choices.size());
  const std::int64_t together = num_blocks >= 2 * pool_.num_threads() ? 2 : 1;
  pool_.parallel_for((num_blocks + together - 1) / together, [&](std::int64_t first, std::int64_t last) noexcept {
    for (std::int64_t block = first * together; block < std::min(last * together, num_blocks); block += together) {
      const auto index = static_cast<std::size_t>(block);
      if (together == 2 && block + 1 < num_blocks)
        step_pair(choices[index], choices[index + 1], actions);
      else
        step_block(choices[index], actions);
    }
  });

  for_each_game(envs, [&](std::size_t row, std::size_t env, Painter& painter) {
    Game& game = games_[env];
    const bool has_ended = game.report.terminated || game.report.truncated;
    if (will_reset(env) && !has_ended) begin(env, true);
    if (has_ended && options_.autoreset == Autoreset::kSameStep) {
      observe(env, painter, final_frames + row * observation_bytes());
      final_reports[row] = game.report;
      begin(env, true);
      const Report& last = final_reports[row];
      game.report.reward = last.reward;
      game.report.terminated = last.terminated;
      game.report.truncated = last.truncated;
      game.report.repeats = last.repeats;
    }
    reports[row] = game.report;
    observe(env, painter, frames + row * observation_bytes());
  });
}

void World::draw(std::uint8_t* frames, Selection envs) {
  for_each_game(envs, [&](std::size_t row, std::size_t env, Painter& painter) {
    std::uint8_t* out = frames + row * observation_bytes();
    if (stacks_)
      stacks_->write(env, out);
    else
      painter.draw(scene(env), out);
  });
}

void World::observe(std::size_t env, Painter& painter, std::uint8_t* out) {
  if (!stacks_) return painter.draw(scene(env), out);
  painter.draw(scene(env), stacks_->push(env));
  if (games_[env].report.was_reset) stacks_->repeat_newest(env);
  stacks_->write(env, out);
}

bool World::needs_reset(std::size_t env) const noexcept {
  const Phase phase = games_[env].phase;
  return phase == Phase::kNew || (phase == Phase::kEnded && options_.autoreset == Autoreset::kDisabled);
}

Scene World::scene(std::size_t env) const noexcept {
  Scene scene = games_[env].episode.scene(block_of(env), env % kLanes);
  scene.zoom = options_.game.zoom;
  return scene;
}

bool EpisodeSoFar::is_possible() const noexcept { return std::isfinite(total) && steps >= 0 && std::isfinite(seconds); }

std::vector<std::uint8_t> World::save(std::size_t env, const EpisodeSoFar& so_far) const {
  const Game& game = games_[env];
  CarBlock car;
  copy_lane(block_of(env), env % kLanes, car, 0);
  StateWriter content;
  content(game.phase, game.score, game.shaping, game.episode, CarLane{car, 0}, so_far,
          StackRecord(options_, stacks_ ? stacks_->save(env) : std::vector<std::uint8_t>{}));
  const std::vector<std::uint8_t> bytes = content.take();
  StateWriter envelope;
  envelope(kStateMark, checksum(bytes), bytes);
  return envelope.take();
}

World::SavedGame World::read(std::size_t env, std::span<const std::uint8_t> bytes) const {
  std::uint64_t mark = 0;
  std::uint64_t sum = 0;
  std::vector<std::uint8_t> body;
  StateReader envelope(bytes);
  envelope(mark);
  if (mark != kStateMark) throw std::invalid_argument("the state is not from this version of apexline");
  envelope(sum, body);
  if (!envelope.is_at_end() || checksum(body) != sum)
    throw std::invalid_argument("the state is corrupt: wrong checksum or length");

  SavedGame saved(env, options_.game);
  Game& game = saved.game_;
  StackRecord stack;
  StateReader content(body);
  CarLane car{saved.block_, 0};
  content(game.phase, game.score, game.shaping, game.episode, car, saved.so_far_, stack);
  if (!content.is_at_end()) throw std::invalid_argument("trailing bytes after the state");
  stack.require_format(options_);
  game.episode.finish_loading(games_[env].episode);
  const bool has_ended = game.phase == Phase::kEnded;
  require_possible(game.phase <= Phase::kEnded && (game.phase == Phase::kNew) == (game.episode.num_tiles() == 0) &&
                       !(has_ended && options_.autoreset == Autoreset::kSameStep),
                   "phase");
  require_possible(is_within(game.score, kMaxScore), "score");
  require_possible(game.shaping.fits(game.episode), "shaping");
  require_possible(car.is_possible(), "car");
  require_possible(saved.so_far_.is_possible(), "statistics");
  saved.frames_ = std::move(stack.frames);
  return saved;
}

void World::restore(SavedGame saved) noexcept {
  const std::size_t env = saved.env_;
  if (stacks_) stacks_->load(env, saved.frames_);
  copy_lane(saved.block_, 0, blocks_[env / kLanes], env % kLanes);
  games_[env] = std::move(saved.game_);
}

EpisodeSoFar World::load(std::size_t env, std::span<const std::uint8_t> bytes) {
  SavedGame saved = read(env, bytes);
  const EpisodeSoFar so_far = saved.so_far();
  restore(std::move(saved));
  return so_far;
}

// One step of the selected environments of a block.
class World::BlockStep {
 public:
  BlockStep(World& world, const LaneChoice& choice, std::span<const Action> actions)
      : world_(world), block_(world.blocks_[choice.block]), first_(choice.block * kLanes) {
    for_each(choice.lanes, [&](std::size_t lane) {
      game(lane).report = {};
      if (!world.is_playing(first_ + lane)) return;
      playing_ |= 1U << lane;
      const Action& action = actions[choice.rows[lane]];
      if (!action.is_given) return;
      controlled_ |= 1U << lane;
      block_.steer[lane] = -action.steer;
      block_.brake[lane] = action.brake;
      gas_[lane] = action.gas;
    });
    played_ = playing_;
  }

  [[nodiscard]] CarBlock& block() noexcept { return block_; }
  [[nodiscard]] LaneMask playing() const noexcept { return playing_; }

  // The first part of a frame, before the cars move.
  void begin_frame() {
    for_each(playing_ & controlled_, [&](std::size_t lane) { press_gas(block_, lane, gas_[lane]); });
    world_.kernels_.drive(block_, playing_, world_.drive_constants_);
    for_each(playing_, [&](std::size_t lane) { game(lane).episode.touch_road(world_.options_.game, block_, lane); });
  }

  void finish_frame() noexcept {
    for_each(playing_, [&](std::size_t lane) {
      FrameEnd& end = ends_[lane];
      const double before = end.reward;
      const bool has_action = (controlled_ >> lane & 1U) != 0;
      end = game(lane).episode.finish_frame(world_.options_.game, block_, lane, has_action);
      end.reward += before;
      ++game(lane).report.repeats;
      if (end.is_last()) playing_ &= ~(1U << lane);
    });
  }

  void finish() noexcept {
    for_each(played_, [&](std::size_t lane) {
      Game& played = game(lane);
      Report& report = played.report;
      FrameEnd end = ends_[lane];
      played.score += end.reward;
      report.lap_finished = end.lap_finished;
      report.ended_by = played.shaping.apply(world_.options_.rules, played.episode, end);
      report.reward = end.reward;
      report.terminated = end.terminated;
      report.truncated = end.truncated;
      if (end.is_last()) played.phase = Phase::kEnded;
      World::fill_report(played);
    });
  }

 private:
  [[nodiscard]] Game& game(std::size_t lane) noexcept { return world_.games_[first_ + lane]; }

  template <class Visit>
  static void for_each(LaneMask lanes, const Visit& visit) {
    for (; lanes != 0; lanes &= lanes - 1) visit(static_cast<std::size_t>(std::countr_zero(lanes)));
  }

  World& world_;
  CarBlock& block_;
  std::size_t first_;
  Lane<double> gas_{};
  std::array<FrameEnd, kLanes> ends_;
  LaneMask playing_ = 0;
  LaneMask played_ = 0;
  LaneMask controlled_ = 0;  // with an action
};

void World::step_block(const LaneChoice& choice, std::span<const Action> actions) {
  BlockStep step(*this, choice, actions);
  for (std::int32_t frame = 0; frame < options_.action_repeat && step.playing() != 0; ++frame) {
    step.begin_frame();
    kernels_.solve(step.block(), step.playing());
    step.finish_frame();
  }
  step.finish();
}

void World::step_pair(const LaneChoice& one, const LaneChoice& other, std::span<const Action> actions) {
  BlockStep first(*this, one, actions);
  BlockStep second(*this, other, actions);
  for (std::int32_t frame = 0; frame < options_.action_repeat && (first.playing() | second.playing()) != 0; ++frame) {
    first.begin_frame();
    second.begin_frame();
    kernels_.solve_pair(first.block(), first.playing(), second.block(), second.playing());
    first.finish_frame();
    second.finish_frame();
  }
  first.finish();
  second.finish();
}

// Uses a block of its own, since several threads may start episodes in lanes of the same block.
void World::begin(std::size_t env, bool recolours) {
  Game& game = games_[env];
  CarBlock alone;
  for (std::size_t lane = 1; lane < kLanes; ++lane) place_car(alone, lane, {}, 0);
  game.episode.begin(options_.game, kernels_, recolours, alone, 0);
  game.score = 0;
  for (std::int32_t frame = 0; frame < options_.skip_zoom; ++frame) {
    kernels_.drive(alone, 1, drive_constants_);
    game.episode.touch_road(options_.game, alone, 0);
    kernels_.solve(alone, 1);
    game.score += game.episode.finish_frame(options_.game, alone, 0).reward;
  }
  copy_lane(alone, 0, blocks_[env / kLanes], env % kLanes);
  game.shaping.begin(game.episode);
  game.phase = Phase::kRunning;
  game.report = {};
  game.report.was_reset = true;
  fill_report(game);
}

void World::fill_report(Game& game) noexcept {
  game.report.score = game.score;
  game.report.frames = game.episode.num_frames();
  game.report.tiles = game.episode.num_visited() / static_cast<double>(game.episode.num_tiles());
}

template <class Work>
void World::for_each_game(Selection envs, const Work& work) {
  const std::size_t rows = envs.empty() ? games_.size() : envs.size();
  pool_.parallel_for(static_cast<std::int64_t>(rows), [&](std::int64_t first, std::int64_t last) noexcept {
    painters_.with_painter([&](Painter& painter) {
      for (auto row = static_cast<std::size_t>(first); row < static_cast<std::size_t>(last); ++row)
        work(row, envs.empty() ? row : envs[row], painter);
    });
  });
}

}  // namespace apexline::racing
