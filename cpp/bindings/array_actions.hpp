// Actions of many environments from a NumPy array, or of one from whatever its user passes.
#pragma once

#include <functional>
#include <span>
#include <stdexcept>

#include "arrays.hpp"
#include "racing/world.hpp"

namespace apexline::bindings {

enum class ActionKind : std::uint8_t { kContinuous, kPedal, kDiscrete };

// An action that no game can take: its shape, dtype or value.
struct InvalidActionError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// What `step` takes.
struct ActionFormat {
  ActionKind kind = ActionKind::kContinuous;
  bool is_single = false;  // one action instead of one per environment; None is a frame without action
};

// Reads numbers as the stock game does, action.astype(float64): booleans, integers and floats of any width and byte
// order, and objects that are such numbers; sequences too. Discrete actions are integers of any width and, of a single
// environment, Python's bool, as in gymnasium's Discrete.
//
// Writes one action per environment: (n, 3) or, with a pedal, (n, 2) finite numbers; (n,) if discrete; without the
// first axis if single. Values of the environments for which `ignores(row)` are not checked. Raises
// InvalidActionError, naming the place, and writes nothing if an action is invalid. float32 and float64 are not copied.
void read_actions(const py::object& actions, const ActionFormat& format,
                  const std::function<bool(std::size_t)>& ignores, std::span<racing::Action> out);

}  // namespace apexline::bindings
