// A pool of painters, one for each thread that draws at the same time.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "racing/render/frame/painter.hpp"

namespace apexline::racing {

class PainterPool {
 public:
  PainterPool(const FrameFormat& format, const Glyphs& glyphs, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) idle_.push_back(std::make_unique<Painter>(format, glyphs));
  }

  // Calls use(painter) with a painter that no other thread uses. Thread-safe for as many threads as there are painters.
  template <class Use>
  void with_painter(const Use& use) {
    std::unique_ptr<Painter> painter = take();
    use(*painter);
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(painter));
  }

 private:
  std::unique_ptr<Painter> take() {
    const std::scoped_lock lock(mutex_);
    assert(!idle_.empty());
    std::unique_ptr<Painter> painter = std::move(idle_.back());
    idle_.pop_back();
    return painter;
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Painter>> idle_;
};

}  // namespace apexline::racing
