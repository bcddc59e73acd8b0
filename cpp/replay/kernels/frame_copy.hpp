// Copies frames into a batch, optionally shifted.
//
// Random shift: a frame is padded by replication of its border and a window of its own size is cut out.
// Source: Kostrikov, Yarats, Fergus, "Image Augmentation Is All You Need" (DrQ), ICLR 2021, section 3.1; here by
// whole pixels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "replay/frame_geometry.hpp"
#include "support/cpu.hpp"

namespace apexline {

// How frames reach memory. Streaming goes past the caches: a large target is not read in before it is written, and
// what the caches hold stays there. Until `finish_streaming`, other threads may not see what was streamed.
enum class Store { kCached, kStreaming };

void finish_streaming() noexcept;

// Thread-safety: concurrent copies are safe.
class FrameCopier {
 public:
  // For shifts of up to `most` pixels each way, less than the frame's sides.
  FrameCopier(const FrameGeometry& geometry, int most, Isa isa = chosen_isa());

  // Writes `count` frames that lie in a row, each shifted: target(y, x) = source(clamp(y + down), clamp(x + right)).
  // The target lies on a multiple of the items' size. Where it streams, it meanwhile fetches what lies behind the
  // frames or, where the last ends, the memory at `then`, which is to be read next.
  void copy(const std::byte* frames, std::size_t count, Shift shift, std::byte* target, Store store,
            const std::byte* then) const noexcept;

 private:
  void copy_shifted(const std::byte* frame, Shift shift, std::byte* target, Store store,
                    const std::byte* then) const noexcept;

  FrameGeometry geometry_;
  int most_;
  std::vector<std::uint64_t> inside_;  // a row's by `right` from -most; empty where shifted frames cannot be streamed
};

}  // namespace apexline
