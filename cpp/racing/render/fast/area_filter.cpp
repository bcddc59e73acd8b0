#include "racing/render/fast/area_filter.hpp"

#include <algorithm>
#include <limits>

namespace apexline::racing {

SideTaps::SideTaps(int side, int size, int first_pixel, int factor) {
  for (int i = 0; i < size; ++i) {
    const int begin = i * side / size;
    const int end = ((i + 1) * side + size - 1) / size;
    outputs.push_back({static_cast<std::uint16_t>(first_pixel + begin), static_cast<std::uint16_t>(end - begin),
                       static_cast<std::uint16_t>(weights.size())});
    for (int y = begin; y < end; ++y) {
      const int overlap = std::min((i + 1) * side, (y + 1) * size) - std::max(i * side, y * size);
      weights.push_back(static_cast<std::uint16_t>(factor * overlap));
    }
  }
}

AreaFilter::AreaFilter(int side, int left, FrameSize size, std::size_t window)
    : offset(static_cast<std::uint32_t>(side * side + 1)),
      scale(1.0F / static_cast<float>(2 * side * side)),
      rows(side, size.height, 0, 1),
      columns(side, size.width, left, 2),
      is_half(2 * size.height == side && 2 * size.width == side) {
  list_columns();
  if (width() <= kNarrow)
    list_narrow();
  else if (window > 0)
    list_steps(window);
}

void AreaFilter::list_columns() {
  for (const SideTaps::Output& output : columns.outputs) column_taps = std::max<std::size_t>(column_taps, output.count);
  column_weights.resize(width() * column_taps);
  for (std::size_t column = 0; column < width(); ++column) {
    const SideTaps::Output& output = columns.outputs[column];
    const std::size_t first = std::min<std::size_t>(output.first, kSide - column_taps);
    column_first.push_back(static_cast<std::uint16_t>(first));
    for (std::size_t i = 0; i < output.count; ++i)
      column_weights[column * column_taps + (output.first - first) + i] =
          static_cast<float>(columns.weights[output.weights + i]);
  }
}

void AreaFilter::list_narrow() {
  for (const SideTaps::Output& output : columns.outputs) {
    std::array<std::int16_t, kSide>& pixels = narrow.emplace_back();
    for (std::size_t i = 0; i < output.count; ++i)
      pixels[output.first + i] = static_cast<std::int16_t>(columns.weights[output.weights + i]);
  }
}

// Each lane takes the next two of its pixels if they are within the window, which begins at the first pixel that a lane
// of its group still needs.
void AreaFilter::list_steps(std::size_t window) {
  const bool is_shared = window > 8;  // by all lanes
  const std::size_t group_lanes = is_shared ? kLanes : kLanes / kGroups;
  for (std::size_t block = 0; block < width(); block += kLanes) {
    blocks.push_back(static_cast<std::uint32_t>(steps.size()));
    std::array<std::size_t, kLanes> next{}, taken{}, count{};
    for (std::size_t lane = 0; lane < kLanes && block + lane < width(); ++lane) {
      next[lane] = columns.outputs[block + lane].first;
      count[lane] = columns.outputs[block + lane].count;
    }
    while (taken != count) {
      Step step{};
      for (std::size_t group = 0; group < kLanes; group += group_lanes) {
        std::size_t begin = std::numeric_limits<std::size_t>::max();
        for (std::size_t lane = group; lane < group + group_lanes; ++lane)
          if (taken[lane] < count[lane]) begin = std::min(begin, next[lane]);
        if (begin == std::numeric_limits<std::size_t>::max()) continue;
        step.window[group * kGroups / kLanes] = static_cast<std::int32_t>(begin);
        for (std::size_t lane = group; lane < group + group_lanes; ++lane)
          for (std::size_t i = 0; i < 2; ++i) {
            const std::size_t place = next[lane] - begin, half = 2 * lane + i;
            if (taken[lane] == count[lane] || place >= window) continue;
            step.weights[half] =
                static_cast<std::int16_t>(columns.weights[columns.outputs[block + lane].weights + taken[lane]]);
            // Places of words for a shuffle of 64 words, of their bytes for a shuffle of 16 bytes.
            step.control[2 * half] = static_cast<std::uint8_t>(is_shared ? place : 2 * place);
            step.control[2 * half + 1] = static_cast<std::uint8_t>(is_shared ? 0 : 2 * place + 1);
            ++next[lane];
            ++taken[lane];
          }
      }
      steps.push_back(step);
    }
  }
  blocks.push_back(static_cast<std::uint32_t>(steps.size()));
}

}  // namespace apexline::racing
