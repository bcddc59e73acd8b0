// The environments of a call from the argument `env_ids`.
#pragma once

#include <cstdint>
#include <vector>

#include "arrays.hpp"

namespace apexline::bindings {

class EnvIds {
 public:
  explicit EnvIds(std::size_t num_envs) : is_listed_(num_envs) {}

  // None: all, which is an empty list. Else (n,) integers, each environment at most once and at least one; raises
  // TypeError, ValueError or IndexError, naming the place.
  std::vector<std::uint32_t> read(const py::object& env_ids);

 private:
  std::vector<std::uint8_t> is_listed_;  // of each environment; zero between calls
};

}  // namespace apexline::bindings
