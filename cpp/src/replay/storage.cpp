#include "apexline/replay/storage.hpp"

#include <cstdint>
#include <limits>
#include <new>

namespace apexline {

namespace {

std::size_t block_bytes(std::size_t count, std::size_t item_bytes) {
  if (item_bytes != 0 && count > (std::numeric_limits<std::size_t>::max() - kCacheLine) / item_bytes)
    throw std::bad_alloc();
  return count * item_bytes + kCacheLine;
}

}  // namespace

// calloc maps large blocks lazily; no call of the standard library gives both that and an alignment.
ZeroedBytes::ZeroedBytes(std::size_t count, std::size_t item_bytes)
    : block_(std::calloc(block_bytes(count, item_bytes), 1)), aligned_(nullptr) {
  if (!block_) throw std::bad_alloc();
  const auto address = reinterpret_cast<std::uintptr_t>(block_.get());
  const std::size_t padding = (kCacheLine - address % kCacheLine) % kCacheLine;
  aligned_ = static_cast<std::byte*>(block_.get()) + padding;
}

}  // namespace apexline
