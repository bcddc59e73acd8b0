// States of environments with changed numbers and a valid checksum.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "racing/base/state_io.hpp"

namespace apexline::test {

// The content of a state without its mark, checksum and size, and where its fields are.
class StateContent {
 public:
  explicit StateContent(std::span<const std::uint8_t> state)
      : bytes(state.begin() + kEnvelope, state.end()), mark_(state.begin(), state.begin() + kMark) {
    nodes = skip_vector(palette + 9 * sizeof(double), 4 * sizeof(double));
    visited = skip_vector(end_, 1);
    touched = skip_vector(end_, 1);
    under_wheels = skip_vector(end_, sizeof(std::int32_t));
    touching_wheels = skip_vector(end_, 1);
    num_marks = end_;
    end_ += sizeof(std::uint64_t);
    for (std::uint64_t mark = 0; mark < at<std::uint64_t>(num_marks); ++mark) {
      marks.push_back(end_);
      skip_vector(end_ + 1, 2 * sizeof(double));
    }
    num_dropped = end_;
    traces = num_dropped + sizeof(std::uint64_t);
    num_frames = traces + 4 * kTrace;
    num_failed = num_frames + 4;
    start_tile = num_failed + 4;
    lap_is_complete = start_tile + 4;
    seconds = lap_is_complete + 1;
    scores = seconds + 8;
    car = scores + 3 * 8;
  }

  template <class T>
  [[nodiscard]] T at(std::size_t place) const {
    T value;
    std::memcpy(&value, bytes.data() + place, sizeof(value));
    return value;
  }
  template <class T>
  StateContent with(std::size_t place, T value) const {
    StateContent changed = *this;
    std::memcpy(changed.bytes.data() + place, &value, sizeof(value));
    return changed;
  }
  [[nodiscard]] std::size_t count(std::size_t first) const { return at<std::uint64_t>(first - sizeof(std::uint64_t)); }

  // The whole state, with the checksum of this content.
  [[nodiscard]] std::vector<std::uint8_t> sealed() const {
    std::uint64_t sum = 0xcbf29ce484222325;
    for (const std::uint8_t byte : bytes) sum = (sum ^ byte) * 0x100000001b3;
    racing::StateWriter writer;
    for (const std::uint8_t byte : mark_) writer(byte);
    writer(sum, bytes);
    return writer.take();
  }

  static constexpr std::size_t kTrace = 2 + 2 * sizeof(std::uint64_t);
  static constexpr std::size_t phase = 0;
  static constexpr std::size_t score = 1;
  static constexpr std::size_t shaping = score + 8;
  static constexpr std::size_t random = shaping + 4 * 4;
  static constexpr std::size_t palette = random + 4 * 8 + 1 + 4;
  // Of the first elements of vectors.
  std::size_t nodes, visited, touched, under_wheels, touching_wheels;
  std::size_t num_marks, num_dropped, traces;
  std::vector<std::size_t> marks;
  std::size_t num_frames, num_failed, start_tile, lap_is_complete, seconds, scores, car;
  std::vector<std::uint8_t> bytes;

 private:
  static constexpr std::ptrdiff_t kMark = sizeof(std::uint64_t);
  static constexpr std::ptrdiff_t kEnvelope = 3 * sizeof(std::uint64_t);  // mark, checksum, size

  // Of the vector whose count is at `place`: returns where its elements begin, and continues behind them.
  std::size_t skip_vector(std::size_t place, std::size_t size) {
    const std::size_t first = place + sizeof(std::uint64_t);
    end_ = first + size * at<std::uint64_t>(place);
    return first;
  }

  std::vector<std::uint8_t> mark_;
  std::size_t end_ = 0;
};

}  // namespace apexline::test
