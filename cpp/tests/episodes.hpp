// An episode played alone, frame by frame.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "games.hpp"
#include "racing/base/state_io.hpp"
#include "racing/game/episode.hpp"

namespace apexline::test {

using namespace apexline::racing;

inline bool near(double a, double b, double within = 1e-9) { return std::abs(a - b) < within; }

// An episode with its car in a lane of a block.
struct Game {
  explicit Game(std::uint64_t seed, const GameOptions& with = {})
      : options(with), block(parked_block()), episode(options, game_seed(seed)) {
    begin();
  }

  void begin(bool recolour = true) { episode.begin(options, kernels, recolour, block, kLane); }
  FrameEnd frame(const Pedals& pedals = {}) {
    press(block, kLane, pedals);
    kernels.drive(block, 1U << kLane, {});
    episode.touch_road(options, block, kLane);
    kernels.solve(block, 1U << kLane);
    return episode.finish_frame(options, block, kLane);
  }
  FrameEnd frame_at(Point place, double angle = 0) {
    place_car(block, kLane, place, angle);
    return frame();
  }
  FrameEnd frame_at_tile(std::int32_t tile) {
    const Node& node = episode.track().nodes[static_cast<std::size_t>(tile)];
    return frame_at({node.x, node.y}, node.beta);
  }
  FrameEnd frame_off_road() { return frame_at({0, 0}); }
  std::int32_t num_touched() const {
    const Scene scene = episode.scene(block, kLane);
    std::int32_t count = 0;
    for (std::int32_t tile = 0; tile < episode.num_tiles(); ++tile) count += scene.touched[tile] != 0;
    return count;
  }
  double tile_reward() const { return 1000.0 / episode.num_tiles(); }

  static constexpr std::size_t kLane = 5;
  GameOptions options;
  const CarKernels& kernels = CarKernels::kPortable;
  CarBlock block;
  Episode episode;
};

inline std::vector<std::uint8_t> bytes_of(Episode& episode) {
  StateWriter writer;
  writer(episode);
  return writer.take();
}

}  // namespace apexline::test
