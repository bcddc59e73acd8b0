#include "replay/kernels/shift_stream.hpp"

#include <cstdlib>

namespace apexline {

std::uint64_t inside_of_piece(std::ptrdiff_t row_bytes, std::ptrdiff_t off, std::ptrdiff_t x) noexcept {
  const auto below = [](std::ptrdiff_t byte) {
    return byte >= kShiftPiece ? ~std::uint64_t{0} : byte <= 0 ? 0 : (std::uint64_t{1} << byte) - 1;
  };
  // The edge that a piece can overlap: the end of the row it begins in, or the beginning of that or the next row.
  const std::ptrdiff_t begin = off > 0 ? row_bytes - off - x : x < -off ? -x : row_bytes - x;
  return ~(below(begin + std::abs(off)) & ~below(begin));
}

}  // namespace apexline
