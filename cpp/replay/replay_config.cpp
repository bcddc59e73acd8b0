#include "replay/replay_config.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "support/errors.hpp"

namespace apexline {

std::size_t ReplayConfig::record_bytes() const {
  return std::accumulate(field_bytes.begin(), field_bytes.end(), std::size_t{0});
}

bool ReplayConfig::has_shape_of(const ReplayConfig& other) const {
  return capacity == other.capacity && num_envs == other.num_envs && geometry.bytes() == other.geometry.bytes() &&
         field_bytes == other.field_bytes && frame_stack == other.frame_stack && n_step == other.n_step;
}

ReplayConfig checked(ReplayConfig config) {
  const FrameGeometry& frame = config.geometry;
  require(config.num_envs >= 1, "num_envs", config.num_envs, ">= 1");
  require(!config.field_bytes.empty(), "the number of fields", config.field_bytes.size(), ">= 1");
  require(config.frame_stack >= 1, "frame_stack", config.frame_stack, ">= 1");
  require(config.n_step >= 1, "n_step", config.n_step, ">= 1");
  require(config.gamma >= 0 && config.gamma <= 1, "gamma", config.gamma, "from 0 to 1");
  require(config.alpha >= 0 && config.alpha <= 1, "alpha", config.alpha, "from 0 to 1");
  require(config.beta >= 0 && config.beta <= 1, "beta", config.beta, "from 0 to 1");
  require(config.epsilon > 0 && std::isfinite(config.epsilon), "epsilon", config.epsilon, "finite and > 0");
  require(config.num_threads >= 1 && config.num_threads <= 1024, "num_threads", config.num_threads, "from 1 to 1024");
  require(config.shift >= 0, "shift", config.shift, ">= 0");
  const auto side = static_cast<std::int64_t>(std::min(frame.height, frame.width));
  if (config.shift >= side)
    throw std::invalid_argument(
        text("shift is ", config.shift, "; expected less than the frame's shorter side, ", side));
  const std::int64_t least = std::int64_t{config.frame_stack} + config.n_step;
  if (config.capacity / config.num_envs < least) {
    std::int64_t fewest = 0;
    if (__builtin_mul_overflow(config.num_envs, least, &fewest)) fewest = std::numeric_limits<std::int64_t>::max();
    throw std::invalid_argument(
        text("capacity is ", config.capacity, "; expected >= ", fewest, ", num_envs * (frame_stack + n_step)"));
  }
  config.capacity -= config.capacity % config.num_envs;
  return config;
}

}  // namespace apexline
