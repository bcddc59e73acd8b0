#include "replay/storage.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>

#include "check.hpp"

using namespace apexline;

TEST(blocks_are_zero_and_aligned_to_a_cache_line) {
  for (const std::size_t count : {0U, 1U, 63U, 64U, 65U, 100000U, 1000003U})
    for (const std::size_t item_bytes : {1U, 8U, 12U}) {
      const ZeroedBytes block(count, item_bytes);
      CHECK(reinterpret_cast<std::uintptr_t>(block.data()) % kCacheLine == 0);
      CHECK(std::all_of(block.data(), block.data() + count * item_bytes,
                        [](std::byte byte) { return byte == std::byte{0}; }));
    }
}

TEST(every_byte_can_be_written) {
  for (const std::size_t count : {1U, 64U, 1000U, 1U << 22}) {
    ZeroedBytes block(count, 3);
    std::fill_n(block.data(), 3 * count, std::byte{1});
    CHECK(block.data()[3 * count - 1] == std::byte{1});
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // sanitizers end the process instead
TEST(sizes_that_overflow_are_refused) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  CHECK_THROWS(std::bad_alloc, "", ZeroedBytes(most, 1));
  CHECK_THROWS(std::bad_alloc, "", ZeroedBytes(most / 2, 3));
  CHECK_THROWS(std::bad_alloc, "", ZeroedBytes(std::size_t{1} << 61, 8));
  CHECK_THROWS(std::bad_alloc, "", ZeroedBytes(most / 8, 8));
}
#endif
