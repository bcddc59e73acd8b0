// Copies frames into a batch, with an optional shift.
//
// Random shift: a frame is padded by replicating its border, and a window of the frame's size is cropped.
// Source: Kostrikov, Yarats, Fergus, "Image Augmentation Is All You Need" (DrQ), ICLR 2021, section 3.1; here by
// whole pixels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "replay/frame_geometry.hpp"
#include "support/cpu.hpp"

namespace apexline {

// Kind of store instructions. Streaming stores bypass the caches: a large target is not read before it is written, and
// the contents of the caches stay. Other threads see streamed data only after `finish_streaming`.
enum class Store { kCached, kStreaming };

void finish_streaming() noexcept;

// Thread-safety: concurrent copies are safe.
class FrameCopier {
 public:
  // For shifts of up to `most` pixels in each direction, less than the frame's sides. Takes memory of up to 1 MiB, and
  // none if `most` is 0.
  FrameCopier(const FrameGeometry& geometry, int most, Isa isa = chosen_isa());

  // Writes `count` consecutive frames, each shifted: target(y, x) = source(clamp(y + down), clamp(x + right)).
  // The target is aligned to the items' size. Streaming prefetches the memory after the frames and, beyond the last one,
  // that at `next_source`, which the caller reads next.
  void copy(const std::byte* frames, std::size_t count, Shift shift, std::byte* target, Store store,
            const std::byte* next_source) const noexcept;

 private:
  void copy_shifted(const std::byte* frame, Shift shift, std::byte* target, Store store,
                    const std::byte* next_source) const noexcept;

  FrameGeometry geometry_;
  [[maybe_unused]] int most_;  // of the variants for x86-64
  std::vector<std::uint64_t> inside_;  // of a row, by `right` from -most; empty if no shifted frame is streamed
};

}  // namespace apexline
