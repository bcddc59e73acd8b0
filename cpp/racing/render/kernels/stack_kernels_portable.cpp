#include "racing/render/kernels/stack_loops.hpp"

namespace apexline::racing {
namespace {

void interleave_frames(const std::uint8_t* const* frames, std::size_t count, std::size_t pixels,
                       std::uint8_t* out) noexcept {
  if (count == 2) return interleave_from<2>(0, frames, pixels, out);
  if (count == 3) return interleave_from<3>(0, frames, pixels, out);
  interleave_from<4>(0, frames, pixels, out);
}

}  // namespace

constinit const StackKernels StackKernels::kPortable{interleave_frames};

}  // namespace apexline::racing
