// The traces that sliding wheels leave, for people to see: car_dynamics.py's particles.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "racing/base/scene.hpp"
#include "racing/physics/car_block.hpp"

namespace apexline::racing {

class SkidMarks {
 public:
  void clear() noexcept;

  // Follows the wheels of a lane after `drive`, before the contacts and the move.
  void follow(const CarBlock& block, std::size_t lane);

  // At most 30, oldest first.
  [[nodiscard]] const std::vector<SkidMark>& marks() const noexcept { return marks_; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(marks_, num_forgotten_);
    for (Trace& trace : traces_) archive(trace);
  }
  // Whether what was read can be the traces of a car.
  [[nodiscard]] bool is_whole() const noexcept;

 private:
  // A slide's second frame makes a mark, and further ones prolong it, also when newer marks have pushed it out of the
  // image. A mark's first point is its second: the game keeps a reference to the position, which moves on.
  struct Trace {
    bool has_start = false;
    bool on_grass = false;
    std::size_t num_points = 0;  // of the mark; 0 where there is none
    std::size_t mark = 0;        // how many marks were made before it

    template <class Archive>
    void serialize(Archive& archive) {
      archive(has_start, on_grass, num_points, mark);
    }
  };

  std::vector<SkidMark> marks_;
  std::size_t num_forgotten_ = 0;
  std::array<Trace, kNumWheels> traces_;
};

}  // namespace apexline::racing
