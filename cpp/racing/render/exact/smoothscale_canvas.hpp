// pygame.transform.smoothscale for images that become smaller: the mean of the area under each new pixel, first
// along rows, then along columns.
//
// Equal, byte for byte, to pygame-ce 2.5.8 with its backend "SSE2", which it chooses on every x86-64 processor ("NEON"
// runs the same functions). Its backend "GENERIC" keeps two more bits of each weight, and differs.
#pragma once

#include <cstdint>
#include <vector>

#include "racing/render/exact/canvas.hpp"

namespace apexline::racing {

// From one fixed size to another. One thread at a time: it keeps its working memory.
class Shrinker {
 public:
  // Throws std::invalid_argument unless each side of the result is from 1/256 of the source's to all of it.
  Shrinker(int from_width, int from_height, int to_width, int to_height);

  // Into (to_height, to_width, 3) bytes. Precondition: the canvas has the source's size.
  void shrink(const Canvas& canvas, std::uint8_t* rgb);

 private:
  // How one side shrinks, in 2**-14ths of a pixel.
  struct Side {
    int from;
    int to;
    int span;        // under a new pixel
    int reciprocal;  // 2**30 / span

    Side(int from_length, int to_length, const char* name);
  };

  void shrink_rows(const Canvas& canvas);
  void shrink_columns(std::uint8_t* rgb);

  Side across_;
  Side down_;
  std::vector<std::uint8_t> narrow_;   // (from_height, to_width, 3)
  std::vector<std::uint32_t> gathered_;  // (to_width, 3): of the new row, what has been met of its pixels
};

}  // namespace apexline::racing
