#include "racing/game/episode.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <stdexcept>

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

bool is_same(const Node& a, const Node& b) noexcept {
  return a.alpha == b.alpha && a.beta == b.beta && a.x == b.x && a.y == b.y;
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

void Episode::finish_loading() {
  const std::size_t count = track_.tiles.size();
  const auto is_tile = [count](std::int64_t tile) { return tile >= 0 && static_cast<std::size_t>(tile) < count; };
  bool is_consistent = track_.nodes.size() == count && visited_.size() == count && touched_.size() == count;
  is_consistent &= num_visited_ == std::count_if(visited_.begin(), visited_.end(), [](auto is) { return is != 0; });
  is_consistent &= count == 0 ? start_tile_ == 0 : is_tile(start_tile_);
  for (const Kerb& kerb : track_.kerbs) is_consistent &= is_tile(kerb.tile);
  for (const std::int32_t tile : under_wheels_) is_consistent &= is_tile(tile);
  is_consistent &= touching_wheels_.size() == under_wheels_.size();
  for (const std::uint8_t wheels : touching_wheels_) is_consistent &= wheels > 0 && wheels < 1U << kNumWheels;
  if (!is_consistent) throw std::invalid_argument("inconsistent environment state: tiles");
  if (!skid_marks_.is_consistent()) throw std::invalid_argument("inconsistent environment state: skid marks");
  road_.build(track_);
}

void Episode::identify_after(const Episode& before) noexcept {
  id_ = std::ranges::equal(track_.nodes, before.track_.nodes, is_same) ? before.id_ : new_id();
}

void Episode::visit(std::int32_t tile) noexcept {
  visited_[static_cast<std::size_t>(tile)] = 1;
  ++num_visited_;
  score_ += kLapReward / num_tiles();
}

}  // namespace apexline::racing
