// The parts of RasterKernels that all variants share: the spans of samples that a polygon covers.
//
// The eight sample rows of one row of the observation are computed in one vector of GCC's vector types, which round alike
// under every instruction set. `Pen` is the part of each variant: Pen::fill paints spans of bytes, Pen::shade sums them.
// Everything has internal linkage: variants must not share functions.
#pragma once

#include <algorithm>
#include <cstring>

#include "racing/render/fast/kernels/raster_kernels.hpp"

namespace apexline::racing {
namespace {

using Floats = float __attribute__((vector_size(32)));
using Ints = std::int32_t __attribute__((vector_size(32)));

// The samples that a polygon covers in each of eight sample rows.
struct Spans {
  Ints first;
  Ints length;  // 0: none
};

// smoothscale rounds down twice with factors slightly below one: a flat area becomes 2 less than its colour, a mean of 16
// samples up to 17/16 less.
constexpr int kRoundingLoss = 17;  // sixteenths

constexpr float kSamplesPerPixel = static_cast<float>(kSamplesPerRow) / kSurfaceWidth;
constexpr float kLast = kSamplesPerRow;

inline constexpr auto kSampledRows = sampled_rows();

inline void load(Floats& to, const float* from) noexcept { std::memcpy(&to, from, sizeof(to)); }

// The bounding box of a polygon on the surface, and the rows of the observation that it can cover.
struct Extent {
  explicit Extent(const DisplayPolygon& polygon) noexcept {
    low = high = polygon.y[0];
    left = right = polygon.x[0];
    for (std::size_t i = 1; i < polygon.num_corners; ++i) {
      low = std::min<int>(low, polygon.y[i]);
      high = std::max<int>(high, polygon.y[i]);
      left = std::min<int>(left, polygon.x[i]);
      right = std::max<int>(right, polygon.x[i]);
    }
    if (high < kIndicatorHeight || low >= kSurfaceHeight || right < 0 || left >= kSurfaceWidth) return;
    first_row = high >= kSurfaceHeight ? 0 : pixel_row(high);
    end_row = low <= kIndicatorHeight ? kVisibleRows : pixel_row(low) + 1;
  }

  int low, high, left, right;
  int first_row = 0;
  int end_row = 0;
};

template <class Pen>
class PolygonPainter {
 public:
  static void paint(const DisplayPolygon* polygons, std::size_t count, Samples& samples) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      const DisplayPolygon& polygon = polygons[i];
      const Extent extent(polygon);
      if (polygon.brush == Brush::kSmooth)
        paint_smooth(polygon, extent, samples);
      else
        paint_plain(polygon, extent, samples);
    }
  }

 private:
  // Fills the samples from `start` up to but without `end`, both counted from one so that truncation rounds up.
  static void fill(const Floats& start, const Floats& end, const Ints& inside, std::uint8_t ink,
                   std::uint8_t* row) noexcept {
    Floats shift;
    load(shift, kSampleShift.data());
    const Floats none{};
    const Floats last = none + kLast;
    Floats from = start - shift, to = end - shift;
    from = from > none ? from : none;
    from = from < last ? from : last;
    to = to < last ? to : last;
    Spans spans;
    spans.first = __builtin_convertvector(from, Ints);
    spans.length = __builtin_convertvector(to, Ints) - spans.first;
    spans.length &= (spans.length > 0) & inside;
    Pen::fill(spans, ink, row);
  }

  // gfxdraw: a pixel is filled if its centre is between two edges, each rounded to the pixel at the row's centre. That
  // widens a polygon by half a pixel, and its antialiased outline by an eighth more: an edge within 45 degrees of the
  // vertical by 5/8 of a pixel in x, others by 1/2 + (dy/dx)^2 / 8 in y.
  static void paint_smooth(const DisplayPolygon& polygon, const Extent& extent, Samples& samples) noexcept {
    struct Edge {
      float start;  // x at y = 0, in samples counted from one
      float slope;  // samples per row
    };
    const std::size_t n = polygon.num_corners;
    std::int64_t area = 0;  // of the field far from the car it exceeds 32 bits
    for (std::size_t i = 0, j = n - 1; i < n; j = i++)
      area += std::int64_t{polygon.x[j] - extent.left} * (polygon.y[i] - extent.low) -
              std::int64_t{polygon.x[i] - extent.left} * (polygon.y[j] - extent.low);
    Edge lefts[DisplayPolygon::kMaxCorners], rights[DisplayPolygon::kMaxCorners];
    std::size_t num_lefts = 0, num_rights = 0;
    for (std::size_t i = 0, j = n - 1; i < n; j = i++) {
      const auto dx = static_cast<float>(polygon.x[i] - polygon.x[j]);
      const auto dy = static_cast<float>(polygon.y[i] - polygon.y[j]);
      if (dy == 0) continue;
      const float run = dx / dy;
      const float steep = run < 0 ? -run : run;
      const float widening = steep <= 1 ? 0.625F : 0.5F * steep + 0.125F / steep;
      const bool is_right = (dy > 0) == (area >= 0);
      const float across = static_cast<float>(polygon.x[i]) - run * static_cast<float>(polygon.y[i]) + 0.5F;
      const Edge edge{(across + (is_right ? widening : -widening)) * kSamplesPerPixel + 1, run * kSamplesPerPixel};
      if (is_right)
        rights[num_rights++] = edge;
      else
        lefts[num_lefts++] = edge;
    }
    const auto ink = static_cast<std::uint8_t>(polygon.ink);
    const Floats none{};
    const Floats left = none + (static_cast<float>(extent.left) * kSamplesPerPixel + 1);
    const Floats right = none + (static_cast<float>(extent.right + 1) * kSamplesPerPixel + 1);
    const Floats low = none + static_cast<float>(extent.low);
    const Floats high = none + static_cast<float>(extent.high);
    for (int row = extent.first_row; row < extent.end_row; ++row) {
      const auto place = static_cast<std::size_t>(row);
      Floats y;
      load(y, kSampledRows[place].data());
      Floats from = left, to = right;
      for (std::size_t i = 0; i < num_lefts; ++i) {
        const Floats x = lefts[i].start + lefts[i].slope * y;
        from = from > x ? from : x;
      }
      for (std::size_t i = 0; i < num_rights; ++i) {
        const Floats x = rights[i].start + rights[i].slope * y;
        to = to < x ? to : x;
      }
      fill(from, to, (y >= low) & (y <= high), ink, samples.inks.data() + place * kPixelRowBytes);
    }
  }

  // draw.polygon: of the two edges that a row crosses, the first in order is rounded down and the other up; the pixels
  // between are painted, both ends included.
  static void paint_plain(const DisplayPolygon& polygon, const Extent& extent, Samples& samples) noexcept {
    const std::size_t n = polygon.num_corners;
    const auto ink = static_cast<std::uint8_t>(polygon.ink);
    const Floats none{};
    const Floats low = none + static_cast<float>(extent.low);
    const Floats high = none + static_cast<float>(extent.high);
    for (int row = extent.first_row; row < extent.end_row; ++row) {
      const auto place = static_cast<std::size_t>(row);
      Floats y;
      load(y, kSampledRows[place].data());
      Ints one{}, other{};
      Ints has_one{}, has_other{};
      for (std::size_t i = 0, j = n - 1; i < n; j = i++) {
        const std::size_t bottom = polygon.y[j] < polygon.y[i] ? j : i, top = i ^ j ^ bottom;
        const int dy = polygon.y[top] - polygon.y[bottom];
        if (dy == 0) continue;
        const auto y1 = static_cast<float>(polygon.y[bottom]), y2 = static_cast<float>(polygon.y[top]);
        const Floats x = (y - y1) * static_cast<float>(polygon.x[top] - polygon.x[bottom]) / static_cast<float>(dy);
        const Ints whole = __builtin_convertvector(x, Ints);
        const Floats back = __builtin_convertvector(whole, Floats);
        const Ints down = whole + (back > x) + polygon.x[bottom];
        const Ints up = whole - (back < x) + polygon.x[bottom];
        Ints crossed = (y >= y1) & (y < y2);
        if (polygon.y[top] == extent.high) crossed |= y == y2;
        other = (crossed & has_one) ? up : other;
        one = (crossed & ~has_one) ? down : one;
        has_other |= crossed & has_one;
        has_one |= crossed;
      }
      if (extent.low == extent.high) {
        one = Ints{} + extent.left;
        other = Ints{} + extent.right;
        has_other = (y >= low) & (y <= high);
      }
      const Ints first = one < other ? one : other, last = one < other ? other : one;
      const Floats from = __builtin_convertvector(first, Floats) * kSamplesPerPixel + 1;
      const Floats to = __builtin_convertvector(last + 1, Floats) * kSamplesPerPixel + 1;
      fill(from, to, has_other, ink, samples.inks.data() + place * kPixelRowBytes);
    }
  }
};

// Computes whole rows for any number of columns, since a loop of fixed length has no scalar remainder.
inline void gray(const Planes& planes, std::size_t left, std::size_t rows, std::size_t columns,
                 std::uint8_t* out) noexcept {
  std::uint8_t whole[kSide];
  for (std::size_t row = 0; row < rows; ++row, out += columns) {
    const std::uint8_t* const red = planes[0].data() + row * kSide;
    const std::uint8_t* const green = planes[1].data() + row * kSide;
    const std::uint8_t* const blue = planes[2].data() + row * kSide;
    for (std::size_t i = 0; i < kSide; ++i) {
      // n / 1000 = (n / 8) / 125. n / 8 fits into 16 bits if the multiples of 8 in the weights are divided separately,
      // and n / 125 = n * 33555 >> 22 for n below 2^15.
      const std::uint16_t r = red[i], g = green[i], b = blue[i];
      const auto rest = static_cast<std::uint16_t>(3 * (r + g) + 2 * b + 500);
      const auto eighth = static_cast<std::uint16_t>(37 * r + 73 * g + 14 * b + (rest >> 3));
      const auto high = static_cast<std::uint16_t>(std::uint32_t{eighth} * 33555U >> 16);
      whole[i] = static_cast<std::uint8_t>(high >> 6);
    }
    std::memcpy(out, whole + left, columns);
  }
}

inline void interleave(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue, std::size_t count,
                       std::uint8_t* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    out[3 * i] = red[i];
    out[3 * i + 1] = green[i];
    out[3 * i + 2] = blue[i];
  }
}

using ColumnSums = std::array<std::uint16_t, AreaFilter::kRowLength>;

// The weighted sums of the pixels that an output row covers, for every column. The weights of a column add up to the side
// of the image, and 255 * 96 fits into 15 bits.
inline void sum_rows(const Plane& plane, const SideTaps& rows, std::size_t row, ColumnSums& sums) noexcept {
  const SideTaps::Output& output = rows.outputs[row];
  const std::uint8_t* pixels = plane.data() + std::size_t{output.first} * kSide;
  const std::uint16_t* weights = rows.weights.data() + output.weights;
  const std::uint16_t first = weights[0];
  if (output.count == 1) {
    for (std::size_t x = 0; x < kSide; ++x) sums[x] = static_cast<std::uint16_t>(first * pixels[x]);
    return;
  }
  const std::uint16_t second = weights[1];
  for (std::size_t x = 0; x < kSide; ++x)
    sums[x] = static_cast<std::uint16_t>(first * pixels[x] + second * pixels[kSide + x]);
  for (std::size_t tap = 2; tap < output.count; ++tap) {
    const std::uint16_t weight = weights[tap];
    const std::uint8_t* const line = pixels + tap * kSide;
    for (std::size_t x = 0; x < kSide; ++x) sums[x] = static_cast<std::uint16_t>(sums[x] + weight * line[x]);
  }
}

// The means of a row of few outputs.
inline void sum_narrow(const AreaFilter& filter, const ColumnSums& sums, std::uint8_t* out) noexcept {
  for (const auto& weights : filter.narrow) {
    std::int32_t sum = 0;
    for (std::size_t x = 0; x < kSide; ++x) sum += static_cast<std::int16_t>(sums[x]) * weights[x];
    *out++ = filter.mean(static_cast<std::uint32_t>(sum));
  }
}

// Computes 48 columns also for 42, as a loop of fixed length has no scalar remainder; it reads into the next row then.
inline void halve(const AreaFilter& filter, const Plane& plane, std::uint8_t* out) noexcept {
  const std::uint8_t* upper = plane.data() + filter.columns.outputs[0].first;
  for (std::size_t row = 0; row < filter.height(); ++row, upper += 2 * kSide, out += filter.width()) {
    const std::uint8_t* const lower = upper + kSide;
    for (std::size_t i = 0; i < kSide / 2; ++i)
      out[i] = static_cast<std::uint8_t>((upper[2 * i] + upper[2 * i + 1] + lower[2 * i] + lower[2 * i + 1] + 2) / 4);
  }
}

// Several rows are summed before their columns are, as reading a number right after a wider register with it was written
// stalls the processor.
template <class Pen>
void average(const AreaFilter& filter, const Plane& plane, std::uint8_t* out) noexcept {
  if (filter.is_half) return halve(filter, plane, out);
  constexpr std::size_t batch = 8;
  alignas(64) ColumnSums sums[batch];
  for (ColumnSums& row : sums) std::fill(row.begin() + kSide, row.end(), std::uint16_t{0});
  for (std::size_t row = 0; row < filter.height(); row += batch) {
    const std::size_t count = std::min(batch, filter.height() - row);
    for (std::size_t i = 0; i < count; ++i) sum_rows(plane, filter.rows, row + i, sums[i]);
    if (filter.narrow.empty())
      Pen::sum_columns(filter, sums, count, out);
    else
      for (std::size_t i = 0; i < count; ++i) sum_narrow(filter, sums[i], out + i * filter.width());
    out += count * filter.width();
  }
}

template <class Pen>
constexpr RasterKernels raster_kernels_of() {
  return {&PolygonPainter<Pen>::paint, &Pen::shade, &gray, &average<Pen>, Pen::kFilterWindow, &interleave};
}

}  // namespace
}  // namespace apexline::racing
