// Images written as text, and a digest of large ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "racing/render/exact/canvas.hpp"

namespace apexline::test {

inline constexpr racing::Rgb kInk{255, 255, 255};

// One line per row: '.' for black, '#' for kInk, '+' for anything else.
inline std::string text_of(const racing::Canvas& canvas) {
  std::string lines;
  for (int y = 0; y < canvas.height(); ++y, lines += '\n') {
    for (int x = 0; x < canvas.width(); ++x) {
      const std::uint32_t pixel = canvas.row(y)[x];
      lines += pixel == 0 ? '.' : pixel == 0xFFFFFF ? '#' : '+';
    }
  }
  return lines;
}

// FNV-1a with 64 bits.
class Digest {
 public:
  void add(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001B3; }

  void add(const racing::Canvas& canvas) {
    for (int y = 0; y < canvas.height(); ++y) {
      for (int x = 0; x < canvas.width(); ++x) {
        for (int shift = 0; shift < 32; shift += 8) add(static_cast<std::uint8_t>(canvas.row(y)[x] >> shift));
      }
    }
  }

  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325;
};

}  // namespace apexline::test
