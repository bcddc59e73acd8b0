#include "replay/kernels/frame_copy.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "replay/kernels/shift_stream.hpp"

namespace apexline {
namespace {

static_assert(std::endian::native == std::endian::little, "the left end of a row is the low end of a word");

using Word = std::uint64_t;

// Largest size of the table of masks: 1 MiB, which still fits into a level 2 cache.
constexpr std::ptrdiff_t kMostMasks = (std::ptrdiff_t{1} << 20) / static_cast<std::ptrdiff_t>(sizeof(std::uint64_t));

// Multiplied by an item: a word filled with it.
template <class Item>
constexpr Word kEveryItem = ~Word{0} / static_cast<Item>(~Item{0});

// One edge of a plane: in each of `rows` rows, `count` items at the left or right end of the target's row are set to the
// item at that end of the source's row.
struct Edge {
  std::byte* target;
  const std::byte* source;
  std::size_t count;
  std::size_t rows;
  std::size_t row_bytes;
  bool left;
};

// Edges narrower than a word: the word at the row's end is computed from the source's word, shifted by `count` items.
template <class Item>
void fill_narrow(const Edge& edge) noexcept {
  constexpr unsigned item_bits = 8 * sizeof(Item);
  constexpr unsigned word_bits = 8 * sizeof(Word);
  const unsigned bits = static_cast<unsigned>(edge.count) * item_bits;
  const Word spread = kEveryItem<Item> >> (word_bits - bits);
  const std::size_t end = edge.left ? 0 : edge.row_bytes - sizeof(Word);
  const std::byte* source = edge.source + end;
  std::byte* target = edge.target + end;
  for (std::size_t row = 0; row < edge.rows; ++row, source += edge.row_bytes, target += edge.row_bytes) {
    Word word = 0;
    std::memcpy(&word, source, sizeof(word));
    if (edge.left)
      word = word << bits | static_cast<Item>(word) * spread;
    else
      word = word >> bits | (word >> (word_bits - item_bits)) * spread << (word_bits - bits);
    std::memcpy(target, &word, sizeof(word));
  }
}

void fill_wide(const Edge& edge, std::size_t item_bytes) noexcept {
  const std::size_t from = edge.left ? 0 : edge.row_bytes - item_bytes;
  const std::size_t to = edge.left ? 0 : edge.row_bytes - edge.count * item_bytes;
  for (std::size_t row = 0; row < edge.rows; ++row)
    for (std::size_t i = 0; i < edge.count; ++i)
      std::memcpy(edge.target + row * edge.row_bytes + to + i * item_bytes, edge.source + row * edge.row_bytes + from,
                  item_bytes);
}

void fill(const Edge& edge, std::size_t item_bytes) noexcept {
  if (edge.count == 0) return;
  const bool narrow = edge.count * item_bytes < sizeof(Word) && edge.row_bytes >= sizeof(Word);
  if (narrow && item_bytes == 1) return fill_narrow<std::uint8_t>(edge);
  if (narrow && item_bytes == 2) return fill_narrow<std::uint16_t>(edge);
  if (narrow && item_bytes == 4) return fill_narrow<std::uint32_t>(edge);
  fill_wide(edge, item_bytes);
}

// Consecutive rows moved sideways: copied as one block, then the edges, which the copy wrapped around, are filled.
void copy_rows(const FrameGeometry& geometry, const std::byte* source, std::size_t rows, int right,
               std::byte* target) noexcept {
  const std::size_t item = geometry.item_bytes;
  const std::size_t row_bytes = geometry.row_bytes();
  const auto off_left = static_cast<std::size_t>(std::max(-right, 0));
  const auto off_right = static_cast<std::size_t>(std::max(right, 0));
  std::memcpy(target + off_left * item, source + off_right * item, rows * row_bytes - (off_left + off_right) * item);
  fill({target, source, off_left, rows, row_bytes, true}, item);
  fill({target, source, off_right, rows, row_bytes, false}, item);
}

void shift_plane(const FrameGeometry& geometry, const std::byte* plane, Shift shift, std::byte* target) noexcept {
  const std::size_t row_bytes = geometry.row_bytes();
  const auto above = static_cast<std::size_t>(std::max(-shift.down, 0));
  const auto below = static_cast<std::size_t>(std::max(shift.down, 0));
  const std::size_t shared = geometry.height - above - below;
  std::byte* first = target + above * row_bytes;
  std::byte* last = first + (shared - 1) * row_bytes;
  copy_rows(geometry, plane + below * row_bytes, shared, shift.right, first);
  for (std::size_t row = 0; row < above; ++row) std::memcpy(target + row * row_bytes, first, row_bytes);
  for (std::size_t row = 1; row <= below; ++row) std::memcpy(last + row * row_bytes, last, row_bytes);
}

#ifdef __SSE2__
constexpr std::size_t kLine = 64;  // bytes of a cache line, the unit of streaming

void stream_line(const std::byte* source, std::byte* target) noexcept {
  const auto* from = reinterpret_cast<const __m128i*>(source);
  auto* to = reinterpret_cast<__m128i*>(target);
  const __m128i a = _mm_loadu_si128(from);
  const __m128i b = _mm_loadu_si128(from + 1);
  const __m128i c = _mm_loadu_si128(from + 2);
  const __m128i d = _mm_loadu_si128(from + 3);
  _mm_stream_si128(to, a);
  _mm_stream_si128(to + 1, b);
  _mm_stream_si128(to + 2, c);
  _mm_stream_si128(to + 3, d);
}

std::size_t before_line(const std::byte* target) noexcept {
  return (kLine - reinterpret_cast<std::uintptr_t>(target) % kLine) % kLine;
}

// The bytes before the first whole line and after the last are stored as usual.
void stream(const std::byte* source, std::size_t bytes, std::byte* target, const std::byte* next_source) noexcept {
  constexpr std::size_t kAhead = 1024;  // bytes copied in about the latency of memory
  std::size_t at = std::min(bytes, before_line(target));
  std::memcpy(target, source, at);
  for (; at + kLine <= bytes; at += kLine) {
    const std::size_t wanted = at + kAhead;
    __builtin_prefetch(wanted < bytes ? source + wanted : next_source + (wanted - bytes));
    stream_line(source + at, target + at);
  }
  std::memcpy(target + at, source + at, bytes - at);
}

#endif

}  // namespace

void finish_streaming() noexcept {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

FrameCopier::FrameCopier(const FrameGeometry& geometry, int most, Isa isa) : geometry_(geometry), most_(most) {
  if (most == 0 || isa != Isa::kAvx512) return;
  const auto row_bytes = static_cast<std::ptrdiff_t>(geometry.row_bytes());
  const auto item_bytes = static_cast<std::ptrdiff_t>(geometry.item_bytes);
  if (row_bytes > kMostMasks / (2 * std::ptrdiff_t{most} + 1) || !shift_streams(row_bytes, most * item_bytes)) return;
  for (int right = -most; right <= most; ++right)
    for (std::ptrdiff_t x = 0; x < row_bytes; ++x) inside_.push_back(inside_of_piece(row_bytes, right * item_bytes, x));
}

void FrameCopier::copy(const std::byte* frames, std::size_t count, Shift shift, std::byte* target, Store store,
                       const std::byte* next_source) const noexcept {
  const std::size_t bytes = geometry_.bytes();
  if (!shift.none()) {
    for (std::size_t frame = 0; frame < count; ++frame, frames += bytes, target += bytes)
      copy_shifted(frames, shift, target, store, frame + 1 < count ? frames + bytes : next_source);
    return;
  }
#ifdef __SSE2__
  if (store == Store::kStreaming) return stream(frames, count * bytes, target, next_source);
#endif
  std::memcpy(target, frames, count * bytes);
}

void FrameCopier::copy_shifted(const std::byte* frame, Shift shift, std::byte* target, Store store,
                               const std::byte* next_source) const noexcept {
#ifdef APEXLINE_X86_VARIANTS
  if (store == Store::kStreaming && !inside_.empty()) {
    const auto right = static_cast<std::size_t>(shift.right + most_);
    const std::uint64_t* inside = inside_.data() + right * geometry_.row_bytes();
    return stream_shifted_avx512(geometry_, inside, frame, shift, target, next_source);
  }
#else
  static_cast<void>(store), static_cast<void>(next_source);
#endif
  for (std::size_t plane = 0; plane < geometry_.planes; ++plane)
    shift_plane(geometry_, frame + plane * geometry_.plane_bytes(), shift, target + plane * geometry_.plane_bytes());
}

}  // namespace apexline
