#include <immintrin.h>

#include "replay/kernels/shift_stream.hpp"

namespace apexline {
namespace {

constexpr std::ptrdiff_t kPiece = kShiftPiece;

// Mask of bytes begin .. end - 1 of a piece.
std::uint64_t bytes_between(std::ptrdiff_t begin, std::ptrdiff_t end) noexcept {
  const std::ptrdiff_t from = begin > 0 ? begin : 0;
  const std::ptrdiff_t to = end < kPiece ? end : kPiece;
  return to <= from ? 0 : ~std::uint64_t{0} >> (kPiece - (to - from)) << from;
}

template <class Item>
__m512i repeated(const std::byte* at) noexcept {
  constexpr std::uint64_t every_item = ~std::uint64_t{0} / static_cast<Item>(~Item{0});
  Item item;
  __builtin_memcpy(&item, at, sizeof(item));
  return _mm512_set1_epi64(static_cast<long long>(item * every_item));
}

template <class Item>
class ShiftStream {
 public:
  ShiftStream(std::ptrdiff_t row_bytes, std::ptrdiff_t off, const std::uint64_t* inside, std::byte* target,
              const std::byte* next_source) noexcept
      : row_bytes_(row_bytes),
        off_(off),
        inside_(inside),
        next_source_(next_source),
        first_(static_cast<std::ptrdiff_t>(reinterpret_cast<std::uintptr_t>(target) % kPiece)),
        held_(first_),
        target_(target - first_) {}

  // Consecutive rows. Reads no byte outside them.
  void write(const std::byte* row, std::ptrdiff_t count) noexcept {
    // Local copies: the compiler must assume that the stores could overwrite the members.
    const std::ptrdiff_t row_bytes = row_bytes_;
    const std::ptrdiff_t off = off_;
    const std::uint64_t* inside = inside_;
    std::byte* target = target_;
    const std::byte* next_source = next_source_;

    const std::byte* last = row + (count - 1) * row_bytes;
    std::ptrdiff_t x = -held_;                      // offset of the piece in its row
    std::ptrdiff_t left = count * row_bytes + held_;  // bytes from the piece's beginning to the rows' end

    const auto piece = [&](std::uint64_t kept, std::uint64_t wanted) {
      const std::byte* border = off > 0 ? row + row_bytes - sizeof(Item) : row;
      if (x >= -off && off < 0) border = row < last ? row + row_bytes : last;
      const __m512i moved = _mm512_maskz_loadu_epi8(kept & wanted, row + x + off);
      return _mm512_mask_blend_epi8(wanted & ~kept, moved, repeated<Item>(border));
    };
    const auto step = [&] {
      __builtin_prefetch(next_source);
      next_source += kPiece;
      target += kPiece;
      left -= kPiece;
      x += kPiece;
      const bool over = x >= row_bytes;
      x -= over ? row_bytes : 0;
      row += over ? row_bytes : 0;
    };

    if (held_ > 0) {  // these rows complete the piece: a row is no shorter than one
      carried_ = _mm512_or_si512(carried_, piece(inside_of_piece(row_bytes, off, x), bytes_between(held_, left)));
      if (first_ > 0)
        _mm512_mask_storeu_epi8(target, bytes_between(first_, kPiece), carried_);
      else
        _mm512_stream_si512(reinterpret_cast<__m512i*>(target), carried_);
      first_ = 0;
      step();
    }
    for (; left >= kPiece; step())
      _mm512_stream_si512(reinterpret_cast<__m512i*>(target), piece(inside[x], ~std::uint64_t{0}));
    carried_ = left > 0 ? piece(inside[x], bytes_between(0, left)) : _mm512_setzero_si512();
    held_ = left;
    target_ = target;
    next_source_ = next_source;
  }

  void finish() noexcept {
    if (held_ > first_) _mm512_mask_storeu_epi8(target_, bytes_between(first_, held_), carried_);
  }

 private:
  std::ptrdiff_t row_bytes_;
  std::ptrdiff_t off_;  // bytes by which a row moves to the left
  const std::uint64_t* inside_;
  const std::byte* next_source_;
  std::ptrdiff_t first_;  // bytes of the current piece that precede the target
  std::ptrdiff_t held_;   // bytes of it that are final: those and the ones in `carried_`
  std::byte* target_;     // of the current piece
  __m512i carried_ = _mm512_setzero_si512();
};

template <class Item>
void stream(const FrameGeometry& geometry, const std::uint64_t* inside, const std::byte* frame, Shift shift,
            std::byte* target, const std::byte* next_source) noexcept {
  const auto row_bytes = static_cast<std::ptrdiff_t>(geometry.row_bytes());
  const auto height = static_cast<std::ptrdiff_t>(geometry.height);
  const std::ptrdiff_t down = shift.down;
  const std::ptrdiff_t above = down < 0 ? -down : 0;
  const std::ptrdiff_t below = down > 0 ? down : 0;
  ShiftStream<Item> out(row_bytes, shift.right * static_cast<std::ptrdiff_t>(sizeof(Item)), inside, target,
                        next_source);
  for (std::size_t plane = 0; plane < geometry.planes; ++plane, frame += geometry.plane_bytes()) {
    for (std::ptrdiff_t row = 0; row < above; ++row) out.write(frame, 1);
    out.write(frame + below * row_bytes, height - above - below);
    for (std::ptrdiff_t row = 0; row < below; ++row) out.write(frame + (height - 1) * row_bytes, 1);
  }
  out.finish();
}

}  // namespace

void stream_shifted_avx512(const FrameGeometry& geometry, const std::uint64_t* inside, const std::byte* frame,
                           Shift shift, std::byte* target, const std::byte* next_source) noexcept {
  switch (geometry.item_bytes) {
    case 1: return stream<std::uint8_t>(geometry, inside, frame, shift, target, next_source);
    case 2: return stream<std::uint16_t>(geometry, inside, frame, shift, target, next_source);
    case 4: return stream<std::uint32_t>(geometry, inside, frame, shift, target, next_source);
    default: return stream<std::uint64_t>(geometry, inside, frame, shift, target, next_source);
  }
}

}  // namespace apexline
