// Prints a digest of many images in several formats. Exits with 77 if the variant named by APEXLINE_ISA is not supported.
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "racing/render/frame/painter.hpp"
#include "scenes.hpp"

using namespace apexline;
using namespace apexline::test;

int main() {
  try {
    static_cast<void>(chosen_isa());
  } catch (const std::invalid_argument&) {
    return 77;
  }
  Random random(9);
  const Glyphs glyphs = random_glyphs(random);
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const FrameFormat& format :
       {FrameFormat{false, false, 96, false}, FrameFormat{false, true, 48, true}, FrameFormat{true, false, 84, true},
        FrameFormat{true, true, 84, true}, FrameFormat{true, true, 42, true}, FrameFormat{true, true, 64, true},
        FrameFormat{false, false, {50, 77}, false}, FrameFormat{false, false, {96, 5}, true}}) {
    Painter painter(format, glyphs);
    std::vector<std::uint8_t> frame(format.bytes());
    for (int i = 0; i < 60; ++i) {
      painter.draw(random_world(random).scene, frame.data());
      for (const std::uint8_t byte : frame) hash = (hash ^ byte) * 0x100000001B3;
    }
  }
  std::printf("%016llx", static_cast<unsigned long long>(hash));
}
