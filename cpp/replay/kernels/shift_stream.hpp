// Streams a shifted frame without passing through memory on the way, on processors with AVX-512 (BW and VL).
//
// A shifted row is its source moved sideways; its edge, the bytes at one end that the source does not reach, repeats
// the item there. Rows follow each other in the target without a gap, so an aligned piece of the target, a cache line,
// takes most of its bytes from one unaligned load and the rest, of one edge at most, from one item.
#pragma once

#include <cstddef>
#include <cstdint>

#include "replay/frame_geometry.hpp"

namespace apexline {

inline constexpr std::ptrdiff_t kShiftPiece = 64;  // bytes of a cache line

// Whether no piece can touch two edges of rows that are moved by `off` bytes.
[[nodiscard]] constexpr bool shift_streams(std::ptrdiff_t row_bytes, std::ptrdiff_t off) noexcept {
  return row_bytes - (off < 0 ? -off : off) >= kShiftPiece;
}

// Which bytes of a piece that begins `x` bytes into a row (before it where negative) are no edge; rows move to the left
// by `off` bytes, to the right where it is negative. Precondition: shift_streams(row_bytes, off).
[[nodiscard]] std::uint64_t inside_of_piece(std::ptrdiff_t row_bytes, std::ptrdiff_t off, std::ptrdiff_t x) noexcept;

// The target lies on a multiple of the items' size. `inside` is inside_of_piece for each x from 0 to the row's end.
// Meanwhile fetches as many bytes at `then`, which are to be read next.
void stream_shifted_avx512(const FrameGeometry& geometry, const std::uint64_t* inside, const std::byte* frame,
                           Shift shift, std::byte* target, const std::byte* then) noexcept;

}  // namespace apexline
