#include "racing/render/frame_format.hpp"

#include <stdexcept>

#include "support/errors.hpp"

namespace apexline::racing {

void check_frame_size(const FrameFormat& format) {
  const auto [height, width] = format.frame_size;
  const bool is_large = format.is_scaled_from_surface() && !format.crop_hud;
  const FrameSize least = is_large ? FrameFormat::kSmallestScaled : FrameSize(1);
  const FrameSize most = is_large ? FrameFormat::kLargest : FrameSize(format.visible_side());
  if (height < least.height || width < least.width || height > most.height || width > most.width)
    throw std::invalid_argument(text("frame_size is (", height, ", ", width, "); expected (", least.height, ", ",
                                     least.width, ") to (", most.height, ", ", most.width, ")"));
}

}  // namespace apexline::racing
