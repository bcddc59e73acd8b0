// Streams a shifted frame without an intermediate copy, on processors with AVX-512 (BW and VL).
//
// A shifted row is its source moved sideways; its edge, the bytes at one end that the source does not reach, repeats
// the item at that end. Rows are consecutive in the target, so an aligned piece of it (a cache line) takes most of its
// bytes from one unaligned load and the rest, which belong to one edge at most, from one item.
#pragma once

#include <cstddef>
#include <cstdint>

#include "replay/frame_geometry.hpp"

namespace apexline {

inline constexpr std::ptrdiff_t kShiftPiece = 64;  // bytes of a cache line

// Whether no piece overlaps two edges of rows that are moved by `off` bytes.
[[nodiscard]] constexpr bool shift_streams(std::ptrdiff_t row_bytes, std::ptrdiff_t off) noexcept {
  return row_bytes - (off < 0 ? -off : off) >= kShiftPiece;
}

// Mask of the bytes outside edges in a piece that begins `x` bytes into a row (before it if negative); rows move to the
// left by `off` bytes, to the right if it is negative. Precondition: shift_streams(row_bytes, off).
[[nodiscard]] std::uint64_t inside_of_piece(std::ptrdiff_t row_bytes, std::ptrdiff_t off, std::ptrdiff_t x) noexcept;

// The target is aligned to the items' size. `inside` is inside_of_piece for each x from 0 to the row's end. Prefetches as
// many bytes at `next_source`, which the caller reads next.
void stream_shifted_avx512(const FrameGeometry& geometry, const std::uint64_t* inside, const std::byte* frame,
                           Shift shift, std::byte* target, const std::byte* next_source) noexcept;

}  // namespace apexline
