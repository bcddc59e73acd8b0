// Serialisation of values as bytes, to be read by the same version of the library on the same kind of machine.
//
// A type lists its fields once, in `serialize(archive)`, as archive(a, b, c); StateWriter and StateReader use that list.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace apexline::racing {

// Throws std::invalid_argument, naming the part of the state, unless `holds`.
inline void require_possible(bool holds, const char* part) {
  if (!holds) throw std::invalid_argument(std::string("the state cannot occur: its ") + part);
}

// Whether a number that was read is finite and from -most to most.
template <class T>
[[nodiscard]] bool is_within(T value, T most) noexcept {
  return std::abs(value) <= most;
}

// Whether a value is written as its bytes, not as a list of fields.
template <class T, class Archive>
inline constexpr bool kIsPlain =
    std::is_trivially_copyable_v<T> && !requires(T& value, Archive& archive) { value.serialize(archive); };

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
    if constexpr (kIsPlain<T, StateWriter>)
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

// Throws std::invalid_argument if the bytes end before the last field or a bool is neither 0 nor 1. The ranges of all
// other numbers are for the reading type to check. The memory of a vector is bounded by the bytes that hold it.
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
    } else if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      take(&byte, sizeof(byte));
      require_possible(byte <= 1, "flags");
      value = byte == 1;
    } else {
      static_assert(std::is_trivially_copyable_v<T>);
      take(&value, sizeof(T));
    }
  }
  template <class T>
  void read(std::vector<T>& values) {
    std::uint64_t count = 0;
    take(&count, sizeof(count));
    if constexpr (kIsPlain<T, StateReader>) {
      if (count > bytes_.size() / sizeof(T)) throw std::invalid_argument("the state is truncated");
      values.resize(static_cast<std::size_t>(count));
      take(values.data(), values.size() * sizeof(T));
    } else {
      values.clear();
      for (; count > 0; --count) read(values.emplace_back());
    }
  }
  void take(void* to, std::size_t size) {
    if (size > bytes_.size()) throw std::invalid_argument("the state is truncated");
    if (size > 0) std::memcpy(to, bytes_.data(), size);  // an empty vector may have no data
    bytes_ = bytes_.subspan(size);
  }

  std::span<const std::uint8_t> bytes_;
};

}  // namespace apexline::racing
