#include "array_actions.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace apexline::bindings {
namespace {

using racing::Action;
using Ignores = std::function<bool(std::size_t)>;

template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
  throw InvalidActionError(text(parts...));
}

// What the user passed, for errors.
class Named {
 public:
  explicit Named(bool is_single) noexcept : is_single_(is_single) {}

  [[nodiscard]] const char* all() const noexcept { return is_single_ ? "action" : "actions"; }
  // "actions[3, 1]", "actions[3]", "action[1]" or "action".
  [[nodiscard]] std::string at(std::size_t row, std::optional<std::size_t> axis = {}) const {
    std::string index = is_single_ ? "" : std::to_string(row);
    if (axis) index += (index.empty() ? "" : ", ") + std::to_string(*axis);
    return index.empty() ? all() : text(all(), "[", index, "]");
  }

 private:
  bool is_single_;
};

// CarRacing.step's five discrete actions: nothing, right, left, gas, brake.
Action discrete_action(std::int64_t action) noexcept {
  constexpr double kSteer = 0.6;
  constexpr double kGas = 0.2;
  constexpr double kBrake = 0.8;
  return {.steer = action == 1 ? kSteer : (action == 2 ? -kSteer : 0.0),
          .gas = action == 3 ? kGas : 0.0,
          .brake = action == 4 ? kBrake : 0.0};
}

template <class T>
Action axes_action(ActionKind kind, const T* values) noexcept {
  const auto at = [values](int i) { return static_cast<double>(values[i]); };
  if (kind == ActionKind::kPedal) return {.steer = at(0), .gas = std::max(at(1), 0.0), .brake = std::max(-at(1), 0.0)};
  return {.steer = at(0), .gas = at(1), .brake = at(2)};
}

char kind_of(const py::array& array) { return array.dtype().kind(); }

bool is_one_of(char kind, std::string_view kinds) noexcept { return kinds.find(kind) != std::string_view::npos; }

py::array array_of(const py::object& actions, const Named& named) {
  try {
    return as_array(actions);
  } catch (const py::error_already_set& error) {
    if (!error.matches(PyExc_ValueError) && !error.matches(PyExc_TypeError)) throw;
    refuse(named.all(), " is not rectangular; expected an array of numbers");
  }
}

void require_extents(const py::array& array, const Named& named, const Shape& shape) {
  const auto ndim = static_cast<std::size_t>(array.ndim());
  if (ndim != shape.size() || !std::equal(shape.begin(), shape.end(), array.shape()))
    refuse(named.all(), " has shape ", shape_text(array.shape(), ndim), "; expected ",
           shape_text(shape.data(), shape.size()));
}

// Of at most 40 characters.
std::string shown(const py::handle& value) {
  constexpr std::size_t kMost = 40;
  auto repr = py::repr(value).cast<std::string>();
  return repr.size() > kMost ? repr.substr(0, kMost - 3) + "..." : repr;
}

// An element of an object array as a float; none if it is no number (a string is none, though `float` reads it).
std::optional<double> number_of(const py::handle& value) {
  const bool is_python_number = PyFloat_Check(value.ptr()) || PyLong_Check(value.ptr());
  if (!is_python_number) {
    if (PyUnicode_Check(value.ptr()) || PyBytes_Check(value.ptr())) return std::nullopt;
    if (py::hasattr(value, "dtype") && !is_one_of(kind_of(as_array(value)), "biuf")) return std::nullopt;
  }
  const double number = PyFloat_AsDouble(value.ptr());
  if (number == -1.0 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    return std::nullopt;
  }
  return number;
}

py::array_t<double> numbers_of_objects(const py::array& array, const Named& named, std::size_t axes) {
  py::array_t<double> numbers(Shape(array.shape(), array.shape() + array.ndim()));
  // A list of its own: converting an element can run Python code, which may replace the others.
  const py::list objects = array.attr("ravel")().attr("tolist")();
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const py::object object = objects[i];
    const std::optional<double> number = number_of(object);
    if (!number) refuse(named.at(i / axes, i % axes), " is ", shown(object), "; expected a finite number");
    numbers.mutable_data()[i] = *number;
  }
  return numbers;
}

template <class T>
void read_axes(const py::array& array, const ActionFormat& format, const Ignores& ignores, std::span<Action> out) {
  const std::size_t axes = out.empty() ? 1 : static_cast<std::size_t>(array.size()) / out.size();
  const std::vector<T> values(data<T>(array), data<T>(array) + array.size());  // no other thread changes them
  for (std::size_t i = 0; i < out.size() * axes; ++i)
    if (!std::isfinite(values[i]) && !ignores(i / axes))
      refuse(Named(format.is_single).at(i / axes, i % axes), " is ", static_cast<double>(values[i]),
             "; expected a finite number");
  for (std::size_t row = 0; row < out.size(); ++row) out[row] = axes_action(format.kind, values.data() + row * axes);
}

void read_numbers(const py::object& actions, const ActionFormat& format, const Ignores& ignores,
                  std::span<Action> out) {
  const Named named(format.is_single);
  const std::size_t axes = format.kind == ActionKind::kPedal ? 2 : 3;
  const py::array array = array_of(actions, named);
  Shape shape{static_cast<py::ssize_t>(axes)};
  if (!format.is_single) shape.insert(shape.begin(), static_cast<py::ssize_t>(out.size()));
  const char kind = kind_of(array);
  if (!is_one_of(kind, "biufO"))
    refuse(named.all(), " has dtype ", dtype_name(array.dtype()), "; expected real numbers");
  require_extents(array, named, shape);
  if (array.dtype().equal(py::dtype::of<float>())) return read_axes<float>(array, format, ignores, out);
  if (array.dtype().equal(py::dtype::of<double>())) return read_axes<double>(array, format, ignores, out);
  if (kind == 'O') return read_axes<double>(numbers_of_objects(array, named, axes), format, ignores, out);
  const py::array_t<double, py::array::c_style | py::array::forcecast> numbers{py::object(array)};
  read_axes<double>(numbers, format, ignores, out);
}

// As Discrete.contains: an int, a bool too, or a NumPy integer without dimensions; a sequence is none.
bool is_discrete(const py::object& action, const py::array& array) {
  if (PyLong_Check(action.ptr())) return kind_of(array) != 'O';  // which an integer beyond 64 bits is
  return py::hasattr(action, "dtype") && is_one_of(kind_of(array), "iu");
}

void read_discrete(const py::object& actions, const ActionFormat& format, const Ignores& ignores,
                   std::span<Action> out) {
  const Named named(format.is_single);
  const py::array array = array_of(actions, named);
  if (format.is_single) {
    if (!is_discrete(actions, array)) refuse(named.all(), " is ", shown(actions), "; expected an integer from 0 to 4");
    require_extents(array, named, {});
  } else {
    if (!is_one_of(kind_of(array), "iu"))
      refuse(named.all(), " has dtype ", dtype_name(array.dtype()), "; expected integers");
    require_extents(array, named, {static_cast<py::ssize_t>(out.size())});
  }
  // An integer of 2^63 or more becomes negative.
  const py::array_t<std::int64_t, py::array::c_style | py::array::forcecast> values{py::object(array)};
  const auto is_valid = [&](std::size_t row) { return values.data()[row] >= 0 && values.data()[row] <= 4; };
  for (std::size_t row = 0; row < out.size(); ++row)
    if (!is_valid(row) && !ignores(row))
      refuse(named.at(row), " is ", shown(array.attr("flat")[py::int_(row)].attr("item")()),
             "; expected an integer from 0 to 4");
  for (std::size_t row = 0; row < out.size(); ++row)
    out[row] = is_valid(row) ? discrete_action(values.data()[row]) : Action{};
}

}  // namespace

void read_actions(const py::object& actions, const ActionFormat& format, const Ignores& ignores,
                  std::span<Action> out) {
  if (format.is_single && actions.is_none()) {
    out[0] = {.is_given = false};
    return;
  }
  if (format.kind == ActionKind::kDiscrete) return read_discrete(actions, format, ignores, out);
  read_numbers(actions, format, ignores, out);
}

}  // namespace apexline::bindings
