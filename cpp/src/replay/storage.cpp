#include "apexline/replay/storage.hpp"

#include <cstdint>
#include <limits>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace apexline {
namespace {

// Of x86-64 and most arm64 systems.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Fewer, larger pages: random reads of a large block else miss the address cache at every one. A request, not a need.
void ask_for_huge_pages(std::byte* begin, std::size_t bytes) noexcept {
#if defined(__linux__)
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::size_t skip = (kHugePage - address % kHugePage) % kHugePage;
  if (bytes < skip + kHugePage) return;
  static_cast<void>(madvise(begin + skip, (bytes - skip) / kHugePage * kHugePage, MADV_HUGEPAGE));
#else
  static_cast<void>(begin), static_cast<void>(bytes);
#endif
}

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
  ask_for_huge_pages(aligned_, count * item_bytes);
}

}  // namespace apexline
