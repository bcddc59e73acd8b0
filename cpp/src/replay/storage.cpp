#include "apexline/replay/storage.hpp"

#include <cstdint>
#include <new>

namespace apexline {

// calloc maps large blocks lazily; no call of the standard library gives both that and an alignment.
ZeroedBytes::ZeroedBytes(std::size_t bytes) : block_(std::calloc(bytes + kCacheLine, 1)), aligned_(nullptr) {
  if (!block_) throw std::bad_alloc();
  const auto address = reinterpret_cast<std::uintptr_t>(block_.get());
  const std::size_t padding = (kCacheLine - address % kCacheLine) % kCacheLine;
  aligned_ = static_cast<std::byte*>(block_.get()) + padding;
}

}  // namespace apexline
