// Conversion of NumPy arguments: checks dtype and shape; errors name the argument.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "support/errors.hpp"

namespace apexline::bindings {

namespace py = pybind11;

using Shape = std::vector<py::ssize_t>;

inline std::string shape_text(const py::ssize_t* extents, std::size_t count) {
  std::string out = "(";
  for (std::size_t i = 0; i < count; ++i) out += (i ? ", " : "") + std::to_string(extents[i]);
  return out + (count == 1 ? ",)" : ")");
}

inline std::string dtype_name(const py::dtype& dtype) { return py::str(dtype).cast<std::string>(); }

inline void require_shape(const py::array& array, const char* name, const Shape& shape) {
  const auto ndim = static_cast<std::size_t>(array.ndim());
  if (ndim != shape.size() || !std::equal(shape.begin(), shape.end(), array.shape()))
    throw py::value_error(text(name, " has shape ", shape_text(array.shape(), ndim), "; expected ",
                               shape_text(shape.data(), shape.size())));
}

inline void require_dtype(const py::array& array, const char* name, const py::dtype& dtype) {
  if (!array.dtype().equal(dtype))
    throw py::type_error(text(name, " has dtype ", dtype_name(array.dtype()), "; expected ", dtype_name(dtype)));
}

inline bool is_aligned(const py::array& array) {
  return (array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
}

// As NumPy's ascontiguousarray, but keeps arrays without dimensions and copies unaligned ones.
inline py::array as_array(const py::handle& object) {
  if (py::isinstance<py::array>(object)) {
    auto array = py::reinterpret_borrow<py::array>(object);
    if ((array.flags() & py::array::c_style) && is_aligned(array)) return array;
  }
  auto array = py::module_::import("numpy").attr("asarray")(object, py::none(), "C").cast<py::array>();
  return is_aligned(array) ? array : array.attr("copy")("C").cast<py::array>();
}

// Whether no conversion is needed.
template <class T>
bool is_plain(const py::handle& object) {
  return py::array_t<T, py::array::c_style>::check_(object) && is_aligned(py::reinterpret_borrow<py::array>(object));
}

// Booleans as bytes 0 and 1 in new memory; other arrays as they are. To NumPy every byte but 0 is True, and views of other
// types and image masks contain 2 or 255; a C++ bool must be 0 or 1.
inline py::array normalized(const py::array& array) {
  if (array.dtype().kind() != 'b') return array;
  py::array_t<bool> booleans(Shape(array.shape(), array.shape() + array.ndim()));
  const auto* bytes = static_cast<const std::uint8_t*>(array.data());
  std::transform(bytes, bytes + array.size(), booleans.mutable_data(), [](std::uint8_t byte) { return byte != 0; });
  return booleans;
}

// An aligned, C-contiguous, normalized array of exactly this dtype and shape; copied only if it is not one.
inline py::array exact_array(const py::handle& object, const char* name, const py::dtype& dtype, const Shape& shape) {
  py::array array = as_array(object);
  require_dtype(array, name, dtype);
  require_shape(array, name, shape);
  return normalized(array);
}

// Integers or floats of any width, as T. Booleans and other kinds raise TypeError.
template <class T>
py::array_t<T> real_array(const py::handle& object, const char* name) {
  if (is_plain<T>(object)) return py::reinterpret_borrow<py::array_t<T>>(object);
  const py::array array = as_array(object);
  const char kind = array.dtype().kind();
  if (kind != 'i' && kind != 'u' && kind != 'f')
    throw py::type_error(text(name, " has dtype ", dtype_name(array.dtype()), "; expected real numbers"));
  return py::array_t<T, py::array::c_style | py::array::forcecast>(py::object(array));
}

// Integers of any width, as int64. Floats and booleans raise TypeError.
inline py::array_t<std::int64_t> index_array(const py::handle& object, const char* name) {
  if (is_plain<std::int64_t>(object)) return py::reinterpret_borrow<py::array_t<std::int64_t>>(object);
  const py::array array = as_array(object);
  const char kind = array.dtype().kind();
  if (array.size() > 0 && kind != 'i' && kind != 'u')
    throw py::type_error(text(name, " has dtype ", dtype_name(array.dtype()), "; expected integers"));
  if (kind == 'u' && array.itemsize() == 8 && array.size() > 0) {
    const auto largest = array.attr("max")().cast<std::uint64_t>();
    if (largest > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      throw py::index_error(text(name, " contains ", largest, "; expected integers below 2^63"));
  }
  return py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>(py::object(array));
}

// As exact_array, but converts integers to any type that can represent them, and floats to floats. Rows that are false in
// `mask` (normalized booleans) are not checked.
inline py::array converted_array(const py::handle& object, const char* name, const py::dtype& dtype, const Shape& shape,
                                 const std::optional<py::array>& mask) {
  py::array array = as_array(object);
  require_shape(array, name, shape);
  if (!array.dtype().equal(dtype)) {
    const char from = array.dtype().kind();
    const bool from_integer = from == 'i' || from == 'u';
    const bool fits = dtype.kind() == 'f' ? from_integer || from == 'f' : dtype.kind() != 'b' && from_integer;
    if (!fits)
      throw py::type_error(text(name, " has dtype ", dtype_name(array.dtype()), "; expected ", dtype_name(dtype)));
    const auto numpy = py::module_::import("numpy");
    const py::dict quiet;
    quiet["over"] = "ignore";
    const py::object errstate = numpy.attr("errstate")(**quiet);
    errstate.attr("__enter__")();
    const py::object cast = array.attr("astype")(dtype);
    errstate.attr("__exit__")(py::none(), py::none(), py::none());
    if (dtype.kind() != 'f') {
      const py::object changed = cast.attr("__ne__")(array);
      if (mask) changed[numpy.attr("logical_not")(*mask)] = false;
      const py::object lost = numpy.attr("flatnonzero")(changed);
      if (py::len(lost) > 0) {
        const py::object place = lost[py::int_(0)];
        const auto value = py::str(array.attr("flat")[place]).cast<std::string>();
        std::string index;
        for (const py::handle axis : py::tuple(numpy.attr("unravel_index")(place, array.attr("shape"))))
          index += (index.empty() ? "" : ", ") + py::str(axis).cast<std::string>();
        throw py::value_error(text(name, "[", index, "] is ", value, "; it does not fit into ", dtype_name(dtype)));
      }
    }
    array = cast.cast<py::array>();
  }
  return normalized(array);
}

// An array to write into: exact dtype and shape, C-contiguous, writable. Never copied.
inline py::array output_array(const py::handle& object, const char* name, const py::dtype& dtype, const Shape& shape) {
  if (!py::isinstance<py::array>(object))
    throw py::type_error(text(name, " is of type ", py::type::of(object).attr("__name__").cast<std::string>(),
                              "; expected a NumPy array"));
  auto array = py::reinterpret_borrow<py::array>(object);
  require_dtype(array, name, dtype);
  require_shape(array, name, shape);
  if (!(array.flags() & py::array::c_style) || !array.writeable())
    throw py::value_error(text(name, " is read-only or not C-contiguous; expected a writable C-contiguous array"));
  if (!is_aligned(array)) throw py::value_error(text(name, " is not aligned; expected memory aligned to its dtype"));
  return array;
}

// Raises MemoryError.
[[noreturn]] inline void refuse_memory(const std::string& message) {
  py::set_error(PyExc_MemoryError, message.c_str());
  throw py::error_already_set();
}

template <class T>
std::span<const T> view(const py::array_t<T>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

// A copy, which no other thread can change: values that are checked and then trusted are read from one.
template <class T>
std::vector<T> copied(const py::array_t<T>& array) {
  return {array.data(), array.data() + array.size()};
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
