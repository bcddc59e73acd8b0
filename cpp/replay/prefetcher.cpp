#include "replay/prefetcher.hpp"

namespace apexline {

std::uint64_t Prefetcher::request(double beta, int shift, const BatchArrays& out) {
  worker_.require_own_process();  // before anything is drawn
  // Shared, because a std::function must be copyable.
  auto draw = std::make_shared<const PrioritizedReplay::Draw>(replay_->draw(beta, shift, out));
  return worker_.submit([replay = replay_.get(), draw = std::move(draw), out] { replay->gather(*draw, out); });
}

}  // namespace apexline
