#include "array_actions.hpp"

#include <algorithm>
#include <cmath>

namespace apexline::bindings {
namespace {

using racing::Action;

template <class T>
Action action_of(ActionKind kind, const T* values) noexcept {
  const auto at = [values](int i) { return static_cast<double>(values[i]); };
  if (kind == ActionKind::kPedal) return {at(0), std::max(at(1), 0.0), std::max(-at(1), 0.0)};
  return {at(0), at(1), at(2)};
}

// CarRacing.step's five discrete actions: nothing, right, left, gas, brake.
Action discrete_action(std::int64_t action) noexcept {
  constexpr double kSteer = 0.6;
  constexpr double kGas = 0.2;
  constexpr double kBrake = 0.8;
  return {action == 1 ? kSteer : (action == 2 ? -kSteer : 0.0), action == 3 ? kGas : 0.0, action == 4 ? kBrake : 0.0};
}

void read_discrete(const py::object& array, std::span<Action> actions) {
  const auto values = index_array(array, "actions");
  require_shape(values, "actions", {static_cast<py::ssize_t>(actions.size())});
  for (std::size_t env = 0; env < actions.size(); ++env) {
    const std::int64_t action = values.data()[env];
    if (action < 0 || action > 4)
      throw py::value_error(text("actions[", env, "] is ", action, "; expected an integer from 0 to 4"));
  }
  for (std::size_t env = 0; env < actions.size(); ++env) actions[env] = discrete_action(values.data()[env]);
}

template <class T>
void read_axes(const py::array& array, ActionKind kind, std::span<Action> actions) {
  const py::ssize_t axes = kind == ActionKind::kPedal ? 2 : 3;
  require_shape(array, "actions", {static_cast<py::ssize_t>(actions.size()), axes});
  const T* values = data<T>(array);
  for (py::ssize_t i = 0; i < array.size(); ++i)
    if (!std::isfinite(values[i]))
      throw py::value_error(text("actions[", i / axes, ", ", i % axes, "] is ", static_cast<double>(values[i]),
                                 "; expected a finite number"));
  for (std::size_t env = 0; env < actions.size(); ++env)
    actions[env] = action_of(kind, values + static_cast<py::ssize_t>(env) * axes);
}

}  // namespace

void read_actions(const py::object& array, ActionKind kind, std::span<Action> actions) {
  if (kind == ActionKind::kDiscrete) return read_discrete(array, actions);
  const py::array values = as_array(array);
  if (values.dtype().equal(py::dtype::of<float>())) return read_axes<float>(values, kind, actions);
  if (values.dtype().equal(py::dtype::of<double>())) return read_axes<double>(values, kind, actions);
  throw py::type_error(text("actions has dtype ", dtype_name(values.dtype()), "; expected float32 or float64"));
}

}  // namespace apexline::bindings
