#include "racing/render/exact/smoothscale_canvas.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>

#include "support/text.hpp"

namespace apexline::racing {
namespace {

constexpr int kWhole = 1 << 14;  // the weight of a whole pixel
constexpr std::size_t kChannels = 3;

// value * weight / 2**14, rounded down
constexpr std::uint32_t part(std::uint32_t value, int weight) noexcept {
  return (value * static_cast<std::uint32_t>(weight)) >> 14;
}

// The mean of what was gathered. It has 16 bits at most: 255 times the 256 pixels of the widest span.
constexpr std::uint8_t mean(std::uint32_t sum, int reciprocal) noexcept {
  return static_cast<std::uint8_t>(std::min((sum * static_cast<std::uint32_t>(reciprocal)) >> 16, 255U));
}

}  // namespace

Shrinker::Side::Side(int from_length, int to_length, const char* name) : from(from_length), to(to_length) {
  if (to_length < 1 || to_length > from_length || from_length > 256 * to_length)
    throw std::invalid_argument(
        text(name, " ", from_length, " cannot shrink to ", to_length, "; it must be from 1/256 of it to all of it"));
  span = static_cast<int>(std::int64_t{kWhole} * from / to);
  reciprocal = (1 << 30) / span;
}

Shrinker::Shrinker(int from_width, int from_height, int to_width, int to_height)
    : across_(from_width, to_width, "width"),
      down_(from_height, to_height, "height"),
      narrow_(static_cast<std::size_t>(from_height) * static_cast<std::size_t>(to_width) * kChannels),
      gathered_(static_cast<std::size_t>(to_width) * kChannels) {}

void Shrinker::shrink_rows(const Canvas& canvas) {
  std::uint8_t* out = narrow_.data();
  for (int y = 0; y < down_.from; ++y) {
    const std::uint32_t* row = canvas.row(y);
    std::array<std::uint32_t, kChannels> sum{};
    int missing = across_.span;  // of the new pixel
    for (int x = 0; x < across_.from; ++x) {
      const std::array<std::uint32_t, kChannels> pixel{row[x] & 255, row[x] >> 8 & 255, row[x] >> 16};
      if (missing > kWhole) {
        for (std::size_t c = 0; c < kChannels; ++c) sum[c] += pixel[c];
        missing -= kWhole;
        continue;
      }
      const int rest = kWhole - missing;
      for (std::size_t c = 0; c < kChannels; ++c) {
        *out++ = mean(sum[c] + part(pixel[c], missing), across_.reciprocal);
        sum[c] = part(pixel[c], rest);
      }
      missing = across_.span - rest;
    }
  }
}

void Shrinker::shrink_columns(std::uint8_t* rgb) {
  std::fill(gathered_.begin(), gathered_.end(), 0);
  const std::size_t length = gathered_.size();
  const std::uint8_t* row = narrow_.data();
  int missing = down_.span;
  for (int y = 0; y < down_.from; ++y, row += length) {
    if (missing > kWhole) {
      for (std::size_t i = 0; i < length; ++i) gathered_[i] += row[i];
      missing -= kWhole;
      continue;
    }
    const int rest = kWhole - missing;
    for (std::size_t i = 0; i < length; ++i) {
      rgb[i] = mean(gathered_[i] + part(row[i], missing), down_.reciprocal);
      gathered_[i] = part(row[i], rest);
    }
    rgb += length;
    missing = down_.span - rest;
  }
}

void Shrinker::shrink(const Canvas& canvas, std::uint8_t* rgb) {
  if (across_.from == across_.to && down_.from == down_.to) return canvas.copy_to(rgb);
  shrink_rows(canvas);
  shrink_columns(rgb);
}

}  // namespace apexline::racing
