// The configuration of a PrioritizedReplay.
#pragma once

#include <cstdint>
#include <vector>

#include "replay/frame_geometry.hpp"
#include "support/finite.hpp"

namespace apexline {

struct ReplayConfig {
  std::int64_t capacity;  // slots over all environments, rounded down to a multiple of num_envs
  std::int64_t num_envs;
  FrameGeometry geometry;
  std::vector<std::size_t> field_bytes;  // of the values of one step: its action, then extra fields
  Number action_number;                  // type of an action's components
  int frame_stack;
  int n_step;
  double gamma;
  double alpha;
  double beta;
  double epsilon;
  int shift;  // largest random shift in pixels
  std::uint64_t seed;
  int num_threads;

  [[nodiscard]] std::size_t record_bytes() const;  // of all fields
  // Whether the contents of one replay fit into the other.
  [[nodiscard]] bool has_shape_of(const ReplayConfig& other) const;
};

// The configuration with its capacity rounded down. Throws std::invalid_argument that names the offending field.
[[nodiscard]] ReplayConfig checked(ReplayConfig config);

}  // namespace apexline
