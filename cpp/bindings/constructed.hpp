// Bound classes whose methods refuse an object on which __init__ was never called.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <memory>
#include <utility>

namespace apexline::bindings {

// Base of bound classes. For a method of `cls.__new__(cls)`, pybind11 allocates an object by the class's operator new and
// never constructs it; here that raises TypeError. Objects are made by `construct` or std::make_shared.
struct NeverUnconstructed {
  static void* operator new(std::size_t) {
    throw pybind11::type_error("the object was not initialized; expected a call of __init__");
  }
};

template <class T, class... Arguments>
[[nodiscard]] std::unique_ptr<T> construct(Arguments&&... arguments) {
  return std::unique_ptr<T>(::new T(std::forward<Arguments>(arguments)...));
}

}  // namespace apexline::bindings
