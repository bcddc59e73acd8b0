// Painters to borrow: one for each thread that draws at the same time, made when first needed.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "apexline/racing/painter.hpp"

namespace apexline::racing {

class PainterShelf {
 public:
  PainterShelf(const FrameFormat& format, Glyphs glyphs) : format_(format), glyphs_(std::move(glyphs)) {
    idle_.push_back(std::make_unique<Painter>(format_, glyphs_));
  }

  // Calls use(painter) with a painter that nobody else has meanwhile. Thread-safe.
  template <class Use>
  void lend(const Use& use) {
    std::unique_ptr<Painter> painter = take();
    use(*painter);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(painter));
  }

 private:
  std::unique_ptr<Painter> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Painter> painter = std::move(idle_.back());
        idle_.pop_back();
        return painter;
      }
    }
    return std::make_unique<Painter>(format_, glyphs_);
  }

  FrameFormat format_;
  Glyphs glyphs_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Painter>> idle_;
};

}  // namespace apexline::racing
