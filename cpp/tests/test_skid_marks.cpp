#include "racing/game/skid_marks.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "check.hpp"
#include "games.hpp"
#include "racing/base/state_io.hpp"

using namespace apexline::racing;
using namespace apexline::test;

namespace {

bool same(const SkidMark& a, const SkidMark& b) {
  if (a.on_grass != b.on_grass || a.points.size() != b.points.size()) return false;
  for (std::size_t i = 0; i < a.points.size(); ++i)
    if (a.points[i].x != b.points[i].x || a.points[i].y != b.points[i].y) return false;
  return true;
}

// As in car_dynamics.py: shared particles in a deque of at most 30, and references to them in each wheel.
class NaiveMarks {
 public:
  void update(const CarBlock& block, std::size_t lane) {
    for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
      const Point here{block.x[wheel][lane], block.y[wheel][lane]};
      const bool on_grass = block.on_road[wheel][lane] == 0;
      auto& particle = particles_[wheel];
      if (block.skids[wheel][lane] == 0) {
        starts_[wheel] = false;
        particle = nullptr;
      } else if (particle != nullptr && particle->on_grass == on_grass && particle->points.size() < 30) {
        particle->points.push_back(here);
      } else if (!starts_[wheel]) {
        starts_[wheel] = true;
      } else {
        particle = std::make_shared<SkidMark>(SkidMark{on_grass, {here, here}});
        marks.push_back(particle);
        if (marks.size() > 30) marks.pop_front();
        starts_[wheel] = false;
      }
    }
  }

  [[nodiscard]] bool is_starting(std::size_t wheel) const { return starts_[wheel]; }
  [[nodiscard]] std::int32_t mark_of(std::size_t wheel) const {
    if (particles_[wheel] == nullptr) return SkidMarks::kNoMark;
    const auto place = std::find(marks.begin(), marks.end(), particles_[wheel]);
    return place == marks.end() ? SkidMarks::kDroppedMark : static_cast<std::int32_t>(place - marks.begin());
  }

  std::deque<std::shared_ptr<SkidMark>> marks;

 private:
  std::array<bool, kNumWheels> starts_{};
  std::array<std::shared_ptr<SkidMark>, kNumWheels> particles_;
};

bool same(const SkidMarks& ours, const NaiveMarks& naive) {
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel)
    if (ours.is_starting(wheel) != naive.is_starting(wheel) || ours.mark_of(wheel) != naive.mark_of(wheel))
      return false;
  if (ours.marks().size() != naive.marks.size()) return false;
  for (std::size_t i = 0; i < naive.marks.size(); ++i)
    if (!same(ours.marks()[i], *naive.marks[i])) return false;
  return true;
}

// The next frame of four wheels that slide and change ground at random.
void slide_on(Random& random, CarBlock& block) {
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
    if (random.chance(0.03)) block.skids[wheel][2] = -1 - block.skids[wheel][2];
    if (random.chance(0.02)) block.on_road[wheel][2] = -1 - block.on_road[wheel][2];
    block.x[wheel][2] = static_cast<float>(random.unit());
    block.y[wheel][2] = static_cast<float>(random.unit());
  }
}

}  // namespace

TEST(the_second_frame_of_a_slide_starts_a_mark) {
  CarBlock block = parked_block();
  SkidMarks marks;
  block.skids[1][2] = -1;
  marks.update(block, 2);
  CHECK(marks.marks().empty());
  block.x[1][2] = 7;
  marks.update(block, 2);
  CHECK(marks.marks().size() == 1 && marks.marks()[0].on_grass);
  CHECK(marks.marks()[0].points.size() == 2 && marks.marks()[0].points[0].x == 7 && marks.marks()[0].points[1].x == 7);
  block.x[1][2] = 8;
  marks.update(block, 2);
  CHECK(marks.marks()[0].points.size() == 3 && marks.marks()[0].points[2].x == 8);
  block.skids[1][2] = 0;
  marks.update(block, 2);
  CHECK(marks.marks().size() == 1);
  marks.clear();
  CHECK(marks.marks().empty());
}

TEST(marks_equal_a_naive_model) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Random random(seed);
    CarBlock block = parked_block();
    SkidMarks marks;
    NaiveMarks naive;
    std::size_t most = 0;
    for (int frame = 0; frame < 1500; ++frame) {
      slide_on(random, block);
      marks.update(block, 2);
      naive.update(block, 2);
      CHECK(same(marks, naive));
      most = std::max(most, marks.marks().size());
    }
    CHECK(most == 30);
  }
}

TEST(restored_marks_are_continued) {
  Random random(4);
  CarBlock block = parked_block();
  SkidMarks marks;
  NaiveMarks naive;
  for (int frame = 0; frame < 800; ++frame) {
    if (frame % 50 == 0) {
      StateWriter writer;
      writer(marks);
      const auto bytes = writer.take();
      marks = {};
      StateReader reader(bytes);
      reader(marks);
      CHECK(reader.is_at_end());
    }
    slide_on(random, block);
    marks.update(block, 2);
    naive.update(block, 2);
    CHECK(same(marks, naive));
  }
}
