#include "replay/storage.hpp"

#include <cstdint>
#include <limits>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace apexline {
namespace {

// Size of a huge page on x86-64 and most arm64 systems.
constexpr std::size_t kHugePage = std::size_t{2} << 20;
// Blocks of at least this many bytes use huge pages; the last one may be partly unused.
constexpr std::size_t kLarge = 4 * kHugePage;

struct Extent {
  std::size_t bytes;
  std::size_t alignment;
};

Extent extent_of(std::size_t count, std::size_t item_bytes) {
  if (item_bytes != 0 && count > (std::numeric_limits<std::size_t>::max() - 2 * kHugePage) / item_bytes)
    throw std::bad_alloc();
  const std::size_t bytes = count * item_bytes;
  if (bytes < kLarge) return {bytes, kCacheLine};
  return {(bytes + kHugePage - 1) / kHugePage * kHugePage, kHugePage};
}

// Without huge pages, every random read of a large block misses the TLB. The request may fail without harm.
void request_huge_pages([[maybe_unused]] std::byte* begin, [[maybe_unused]] const Extent& extent) noexcept {
#ifdef __linux__
  if (extent.alignment == kHugePage) static_cast<void>(madvise(begin, extent.bytes, MADV_HUGEPAGE));
#endif
}

}  // namespace

// calloc maps large blocks lazily; no function of the standard library also aligns them.
ZeroedBytes::ZeroedBytes(std::size_t count, std::size_t item_bytes) {
  const Extent extent = extent_of(count, item_bytes);
  block_.reset(std::calloc(extent.bytes + extent.alignment, 1));
  if (!block_) throw std::bad_alloc();
  const auto address = reinterpret_cast<std::uintptr_t>(block_.get());
  const std::size_t padding = (extent.alignment - address % extent.alignment) % extent.alignment;
  aligned_ = static_cast<std::byte*>(block_.get()) + padding;
  request_huge_pages(aligned_, extent);
}

}  // namespace apexline
