#include "racing/game/episode.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "racing/base/state_io.hpp"

namespace apexline::racing {
namespace {

constexpr double kFramePenalty = 0.1;
constexpr double kLapReward = 1000.0;     // divided by the number of tiles
constexpr double kOffFieldReward = -100;

Pose pose_of(const CarBlock& block, std::size_t body, std::size_t lane) noexcept {
  return {block.x[body][lane], block.y[body][lane], block.angle[body][lane], block.sine[body][lane],
          block.cosine[body][lane]};
}

Transform transform_of(const CarBlock& block, std::size_t body, std::size_t lane) noexcept {
  return {{block.x[body][lane], block.y[body][lane]}, block.sine[body][lane], block.cosine[body][lane]};
}

std::uint64_t new_id() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// To the bit.
bool are_same(std::span<const Node> a, std::span<const Node> b) noexcept {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

std::int32_t start_of(const GameOptions& options, std::int32_t num_tiles, Pcg64& random) noexcept {
  if (!options.start_tile) return static_cast<std::int32_t>(random.integers(static_cast<std::uint32_t>(num_tiles)));
  const std::int32_t rest = *options.start_tile % num_tiles;
  return rest < 0 ? rest + num_tiles : rest;
}

}  // namespace

// CarRacing.__init__ draws colours too; the first reset can keep them.
Episode::Episode(const GameOptions& options, const Pcg64::State& random) noexcept : random_(random) {
  if (options.domain_randomize) palette_ = random_palette(random_);
}

void Episode::begin(const GameOptions& options, const CarKernels& kernels, bool recolour, CarBlock& block,
                    std::size_t lane) {
  if (options.domain_randomize && recolour) palette_ = random_palette(random_);
  colours_ = surface_colours(palette_);
  if (options.track != nullptr) {
    track_ = *options.track;
    failed_tracks_ = 0;
  } else {
    failed_tracks_ = create_track(random_, track_);
  }
  id_ = new_id();
  road_.build(track_);
  const auto count = static_cast<std::size_t>(num_tiles());
  visited_.assign(count, 0);
  touched_.assign(count, 0);
  under_wheels_.clear();
  touching_wheels_.clear();
  skid_marks_.clear();
  num_visited_ = num_frames_ = 0;
  is_on_start_ = lap_is_complete_ = false;
  seconds_ = score_ = counted_score_ = 0;

  start_tile_ = start_of(options, num_tiles(), random_);
  const Node& start = track_.nodes[static_cast<std::size_t>(start_tile_)];
  place_car(block, lane, {start.x, start.y}, start.beta);
  if (options.start_speed != 0) roll_car(block, lane, start.beta, options.start_speed);
  const LaneMask only = 1U << lane;
  kernels.drive(block, only, drive_constants(options));
  touch_road(options, block, lane);
  kernels.solve(block, only);
  seconds_ += 1.0 / kFramesPerSecond;
  score_on_screen_ = score_;
}

void Episode::touch_road(const GameOptions& options, CarBlock& block, std::size_t lane) {
  if (options.keeps_skid_marks) skid_marks_.update(block, lane);

  CarPose car;
  car.hull = transform_of(block, kHullBody, lane);
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
    car.wheels[wheel] = transform_of(block, wheel, lane);
    block.on_road[wheel][lane] = 0;
  }
  under_wheels_.clear();
  touching_wheels_.clear();
  const bool has_visited_line = visited_.front() != 0;
  road_.near(car, [&](std::int32_t tile) {
    const auto i = static_cast<std::size_t>(tile);
    unsigned wheels = 0;
    for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
      if (!road_.touches_wheel(tile, car.wheels[wheel])) continue;
      block.on_road[wheel][lane] = -1;
      wheels |= 1U << wheel;
    }
    if (wheels != 0) {
      under_wheels_.push_back(tile);
      touching_wheels_.push_back(static_cast<std::uint8_t>(wheels));
      touched_[i] = 1;
      if (visited_[i] == 0) visit(tile);
    } else if (touched_[i] == 0 && road_.touches_hull(tile, car.hull)) {
      touched_[i] = 1;
    }
  });

  const bool was_on_start = is_on_start_;
  is_on_start_ = std::ranges::find(under_wheels_, start_tile_) != under_wheels_.end();
  const bool reaches_line =
      options.ends_at_start_line ? is_on_start_ && !was_on_start : visited_.front() != 0 && !has_visited_line;
  if (reaches_line && num_visited_ / static_cast<double>(num_tiles()) > options.lap_complete_percent)
    lap_is_complete_ = true;
}

FrameEnd Episode::finish_frame(const GameOptions& options, const CarBlock& block, std::size_t lane,
                               bool has_action) noexcept {
  seconds_ += 1.0 / kFramesPerSecond;
  if (num_frames_ < std::numeric_limits<std::int32_t>::max()) ++num_frames_;  // an episode may have no limit
  score_on_screen_ = score_;
  FrameEnd end;
  end.truncated = options.max_episode_frames && num_frames_ >= *options.max_episode_frames;
  if (!has_action) return end;
  score_ -= kFramePenalty;
  end.reward = score_ - counted_score_;
  counted_score_ = score_;
  if (num_visited_ == num_tiles() || lap_is_complete_) {
    end.terminated = true;
    end.lap_finished = 1;
  }
  const bool is_off_field = std::abs(static_cast<double>(block.x[kHullBody][lane])) > kPlayfield ||
                            std::abs(static_cast<double>(block.y[kHullBody][lane])) > kPlayfield;
  if (is_off_field) {
    end.terminated = true;
    end.lap_finished = 0;
    end.reward = kOffFieldReward;
  }
  return end;
}

Scene Episode::scene(const CarBlock& block, std::size_t lane) const noexcept {
  Scene scene;
  scene.track = &track_;
  scene.touched = touched_.data();
  scene.colours = colours_;
  scene.hull = pose_of(block, kHullBody, lane);
  scene.velocity_x = block.velocity_x[kHullBody][lane];
  scene.velocity_y = block.velocity_y[kHullBody][lane];
  scene.spin = block.spin[kHullBody][lane];
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel)
    scene.wheels[wheel] = {pose_of(block, wheel, lane), block.phase[wheel][lane], block.omega[wheel][lane]};
  scene.steering_angle = block.angle[0][lane] - block.angle[kHullBody][lane];
  scene.seconds = seconds_;
  scene.score = score_on_screen_;
  return scene;
}

void Episode::finish_loading(const Episode& before) {
  require_possible(random_.state().is_possible(), "random generator");
  require_possible(palette_.is_possible(), "colours");
  require_possible(track_.nodes.empty() || are_nodes(track_.nodes), "track");
  require_possible_tiles();
  require_possible_counters();
  require_possible(skid_marks_.is_possible(), "skid marks");

  colours_ = surface_colours(palette_);
  num_visited_ = static_cast<std::int32_t>(std::ranges::count(visited_, 1));
  is_on_start_ = std::ranges::binary_search(under_wheels_, start_tile_);
  if (are_same(track_.nodes, before.track_.nodes)) {
    track_ = before.track_;
    road_ = before.road_;
    id_ = before.id_;
    return;
  }
  id_ = new_id();
  if (track_.nodes.empty()) return;
  const std::vector<Node> nodes = std::move(track_.nodes);
  build_track(nodes, track_);
  require_possible(track_.is_drawable(), "track");
  road_.build(track_);
}

// The tiles of every list are in the road, each once, and marked as the contacts mark them.
void Episode::require_possible_tiles() const {
  const std::size_t count = track_.nodes.size();
  const auto is_tile = [count](std::int32_t tile) { return tile >= 0 && static_cast<std::size_t>(tile) < count; };
  bool all = visited_.size() == count && touched_.size() == count && under_wheels_.size() == touching_wheels_.size();
  all = all && (count == 0 ? start_tile_ == 0 : is_tile(start_tile_));
  for (std::size_t tile = 0; all && tile < count; ++tile) all = visited_[tile] <= touched_[tile] && touched_[tile] <= 1;
  for (std::size_t i = 0; all && i < under_wheels_.size(); ++i)
    all = is_tile(under_wheels_[i]) && is_visited(under_wheels_[i]) &&
          (i == 0 || under_wheels_[i - 1] < under_wheels_[i]) && touching_wheels_[i] > 0 &&
          touching_wheels_[i] < 1U << kNumWheels;
  require_possible(all, "tiles");
}

void Episode::require_possible_counters() const {
  constexpr double kMaxScore = 1e15;  // far more than 2^31 frames of 0.1 points
  const bool was_reset = !track_.nodes.empty();
  const double clock = was_reset ? (num_frames_ + 1.0) / kFramesPerSecond : 0;  // that of reset is not counted
  const bool is_counted = num_frames_ < std::numeric_limits<std::int32_t>::max();
  const double rounding = 1e-6 * clock;
  bool all = num_frames_ >= 0 && (was_reset || num_frames_ == 0) && failed_tracks_ >= 0;
  all = all && std::isfinite(seconds_) && seconds_ >= clock - rounding && (seconds_ <= clock + rounding || !is_counted);
  for (const double score : {score_, score_on_screen_, counted_score_}) all = all && is_within(score, kMaxScore);
  require_possible(all, "counters");
}

void Episode::visit(std::int32_t tile) noexcept {
  visited_[static_cast<std::size_t>(tile)] = 1;
  ++num_visited_;
  score_ += kLapReward / num_tiles();
}

}  // namespace apexline::racing
