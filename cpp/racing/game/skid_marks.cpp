#include "racing/game/skid_marks.hpp"

namespace apexline::racing {
namespace {

constexpr std::size_t kMaxMarks = 30;   // Car.particles: deque(maxlen=30)
constexpr std::size_t kMaxPoints = 30;  // of a mark

}  // namespace

void SkidMarks::clear() noexcept {
  marks_.clear();
  num_dropped_ = 0;
  traces_ = {};
}

bool SkidMarks::is_consistent() const noexcept {
  bool is_consistent = marks_.size() <= kMaxMarks;
  for (const SkidMark& mark : marks_) is_consistent &= mark.points.size() >= 2 && mark.points.size() <= kMaxPoints;
  for (const Trace& trace : traces_)
    is_consistent &= trace.num_points == 0 || trace.mark < num_dropped_ + marks_.size();
  return is_consistent;
}

std::int32_t SkidMarks::mark_of(std::size_t wheel) const noexcept {
  const Trace& trace = traces_[wheel];
  if (trace.num_points == 0) return kNoMark;
  return trace.mark < num_dropped_ ? kDroppedMark : static_cast<std::int32_t>(trace.mark - num_dropped_);
}

void SkidMarks::update(const CarBlock& block, std::size_t lane) {
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
    Trace& trace = traces_[wheel];
    if (block.skids[wheel][lane] == 0) {
      trace = {};
      continue;
    }
    const Point here{block.x[wheel][lane], block.y[wheel][lane]};
    const bool on_grass = block.on_road[wheel][lane] == 0;
    if (trace.num_points > 0 && trace.on_grass == on_grass && trace.num_points < kMaxPoints) {
      if (trace.mark >= num_dropped_) marks_[trace.mark - num_dropped_].points.push_back(here);
      ++trace.num_points;
    } else if (!trace.has_start) {
      trace.has_start = true;
    } else {
      if (marks_.size() == kMaxMarks) {
        marks_.erase(marks_.begin());
        ++num_dropped_;
      }
      trace.mark = num_dropped_ + marks_.size();
      trace.num_points = 2;
      trace.on_grass = on_grass;
      trace.has_start = false;
      marks_.push_back({on_grass, {here, here}});
    }
  }
}

}  // namespace apexline::racing
