// The traces of sliding wheels in images for people: car_dynamics.py's particles.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "racing/base/scene.hpp"
#include "racing/physics/car_block.hpp"

namespace apexline::racing {

class SkidMarks {
 public:
  void clear() noexcept;

  // Adds the wheels of a lane. To be called after `drive`, before contacts and `solve`. O(marks).
  void update(const CarBlock& block, std::size_t lane);

  // At most 30, oldest first.
  [[nodiscard]] const std::vector<SkidMark>& marks() const noexcept { return marks_; }

  // Whether the wheel slides for one frame, so that a further one starts a mark.
  [[nodiscard]] bool is_starting(std::size_t wheel) const noexcept { return traces_[wheel].has_start; }
  // The index in `marks` of the mark that the wheel draws; kNoMark, or kDroppedMark if newer marks have replaced it.
  [[nodiscard]] std::int32_t mark_of(std::size_t wheel) const noexcept;
  static constexpr std::int32_t kNoMark = -1;
  static constexpr std::int32_t kDroppedMark = -2;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(marks_, num_dropped_);
    for (Trace& trace : traces_) archive(trace);
  }
  // Whether deserialised marks can occur.
  [[nodiscard]] bool is_possible() const noexcept;

 private:
  // The second frame of a slide starts a mark; further frames extend it, even if newer marks have replaced it. The first
  // point of a mark equals its second, because the game stores a reference to the position.
  struct Trace {
    bool has_start = false;
    bool on_grass = false;
    std::size_t num_points = 0;  // of the mark; 0: no mark
    std::size_t mark = 0;        // number of marks made before it; 0 without a mark

    template <class Archive>
    void serialize(Archive& archive) {
      archive(has_start, on_grass, num_points, mark);
    }
  };

  // Whether a deserialised trace can occur with the marks.
  [[nodiscard]] bool fits(const Trace& trace) const noexcept;

  std::vector<SkidMark> marks_;
  std::size_t num_dropped_ = 0;
  std::array<Trace, kNumWheels> traces_;
};

}  // namespace apexline::racing
