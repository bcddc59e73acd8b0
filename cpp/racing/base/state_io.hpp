// Serialisation of values as bytes, to be read by the same version of the library on the same kind of machine.
//
// A type lists its fields once, in `serialize(archive)`, as archive(a, b, c); StateWriter and StateReader use that list.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace apexline::racing {

class StateWriter {
 public:
  template <class... Fields>
  void operator()(const Fields&... fields) {
    (write(fields), ...);
  }

  [[nodiscard]] std::vector<std::uint8_t> take() noexcept { return std::move(bytes_); }

 private:
  template <class T>
  void write(const T& value) {
    if constexpr (requires(T& fields) { fields.serialize(*this); }) {
      const_cast<T&>(value).serialize(*this);
    } else {
      static_assert(std::is_trivially_copyable_v<T>);
      append(&value, sizeof(T));
    }
  }
  template <class T>
  void write(const std::vector<T>& values) {
    const auto count = static_cast<std::uint64_t>(values.size());
    append(&count, sizeof(count));
    if constexpr (std::is_arithmetic_v<T>)
      append(values.data(), values.size() * sizeof(T));
    else
      for (const T& value : values) write(value);
  }
  void append(const void* data, std::size_t size) {
    const auto* from = static_cast<const std::uint8_t*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
  }

  std::vector<std::uint8_t> bytes_;
};

// Throws std::invalid_argument if the bytes end before the last field.
class StateReader {
 public:
  explicit StateReader(std::span<const std::uint8_t> bytes) noexcept : bytes_(bytes) {}

  template <class... Fields>
  void operator()(Fields&... fields) {
    (read(fields), ...);
  }

  [[nodiscard]] bool is_at_end() const noexcept { return bytes_.empty(); }

 private:
  template <class T>
  void read(T& value) {
    if constexpr (requires { value.serialize(*this); }) {
      value.serialize(*this);
    } else {
      static_assert(std::is_trivially_copyable_v<T>);
      take(&value, sizeof(T));
    }
  }
  template <class T>
  void read(std::vector<T>& values) {
    std::uint64_t count = 0;
    take(&count, sizeof(count));
    if (count > bytes_.size()) throw std::invalid_argument("the state is truncated");
    values.resize(static_cast<std::size_t>(count));
    if constexpr (std::is_arithmetic_v<T>)
      take(values.data(), values.size() * sizeof(T));
    else
      for (T& value : values) read(value);
  }
  void take(void* to, std::size_t size) {
    if (size > bytes_.size()) throw std::invalid_argument("the state is truncated");
    if (size > 0) std::memcpy(to, bytes_.data(), size);  // an empty vector may have no data
    bytes_ = bytes_.subspan(size);
  }

  std::span<const std::uint8_t> bytes_;
};

}  // namespace apexline::racing
