// Actions of many environments from a NumPy array.
#pragma once

#include <span>

#include "arrays.hpp"
#include "racing/world.hpp"

namespace apexline::bindings {

enum class ActionKind : std::uint8_t { kContinuous, kPedal, kDiscrete };

// Writes one action per row of `array`: (n, 3) or, with a pedal, (n, 2) float32 or float64; (n,) integers if discrete.
// Raises ValueError or TypeError, naming the place, and writes nothing if an action is invalid.
void read_actions(const py::object& array, ActionKind kind, std::span<racing::Action> actions);

}  // namespace apexline::bindings
