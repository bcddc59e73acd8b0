// NumPy arrays at the door: dtype and shape checked, errors that name the argument.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "apexline/support/text.hpp"

namespace apexline::bindings {

namespace py = pybind11;

using Shape = std::vector<py::ssize_t>;

inline std::string shape_text(const py::ssize_t* extents, std::size_t count) {
  std::string out = "(";
  for (std::size_t i = 0; i < count; ++i) out += (i ? ", " : "") + std::to_string(extents[i]);
  return out + (count == 1 ? ",)" : ")");
}

inline void require_shape(const py::array& array, const char* name, const Shape& shape) {
  const auto ndim = static_cast<std::size_t>(array.ndim());
  if (ndim != shape.size() || !std::equal(shape.begin(), shape.end(), array.shape()))
    throw py::value_error(text(name, " has shape ", shape_text(array.shape(), ndim), "; expected ",
                               shape_text(shape.data(), shape.size())));
}

inline void require_dtype(const py::array& array, const char* name, const py::dtype& dtype) {
  if (!array.dtype().equal(dtype))
    throw py::type_error(text(name, " has dtype ", py::str(array.dtype()).cast<std::string>(), "; expected ",
                              py::str(dtype).cast<std::string>()));
}

inline py::array as_array(const py::handle& object) {
  return py::module_::import("numpy").attr("ascontiguousarray")(object).cast<py::array>();
}

// A C-contiguous array of exactly this dtype and shape; copied only where it is not contiguous.
inline py::array exact_array(const py::handle& object, const char* name, const py::dtype& dtype,
                             const Shape& shape) {
  py::array array = as_array(object);
  require_dtype(array, name, dtype);
  require_shape(array, name, shape);
  return array;
}

// Integers or floats of any width, as T. Booleans and other kinds raise TypeError.
template <class T>
py::array_t<T> real_array(const py::handle& object, const char* name) {
  const py::array array = py::module_::import("numpy").attr("asarray")(object).cast<py::array>();
  const char kind = array.dtype().kind();
  if (kind != 'i' && kind != 'u' && kind != 'f')
    throw py::type_error(text(name, " has dtype ", py::str(array.dtype()).cast<std::string>(),
                              "; expected real numbers"));
  return py::array_t<T, py::array::c_style | py::array::forcecast>(py::object(array));
}

// Integers of any width, as int64. Floats and booleans raise TypeError.
inline py::array_t<std::int64_t> index_array(const py::handle& object, const char* name) {
  const py::array array = py::module_::import("numpy").attr("asarray")(object).cast<py::array>();
  const char kind = array.dtype().kind();
  if (array.size() > 0 && kind != 'i' && kind != 'u')
    throw py::type_error(text(name, " has dtype ", py::str(array.dtype()).cast<std::string>(), "; expected integers"));
  if (kind == 'u' && array.itemsize() == 8 && array.size() > 0) {
    const auto largest = array.attr("max")().cast<std::uint64_t>();
    if (largest > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      throw py::index_error(text(name, " holds ", largest, "; it is out of range"));
  }
  return py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>(py::object(array));
}

// A caller's array to write into: exact dtype and shape, C-contiguous, writable. Never copied.
inline py::array output_array(const py::handle& object, const char* name, const py::dtype& dtype,
                              const Shape& shape) {
  if (!py::isinstance<py::array>(object))
    throw py::type_error(text(name, " is not a NumPy array; it cannot be written into"));
  auto array = py::reinterpret_borrow<py::array>(object);
  require_dtype(array, name, dtype);
  require_shape(array, name, shape);
  if (!(array.flags() & py::array::c_style) || !array.writeable())
    throw py::value_error(text(name, " must be C-contiguous and writable"));
  return array;
}

template <class T>
std::span<const T> view(const py::array_t<T>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

template <class T>
T* data(py::array& array) {
  return static_cast<T*>(array.mutable_data());
}

template <class T>
const T* data(const py::array& array) {
  return static_cast<const T*>(array.data());
}

}  // namespace apexline::bindings
