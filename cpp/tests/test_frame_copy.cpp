#include "replay/kernels/frame_copy.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "check.hpp"
#include "random.hpp"
#include "replay/kernels/shift_stream.hpp"
#include "variants.hpp"

using namespace apexline;
using apexline::test::Random;
using apexline::test::supported_isas;

namespace {

constexpr std::array kStores{Store::kCached, Store::kStreaming};
constexpr std::array<std::size_t, 4> kItemBytes{1, 2, 4, 8};

std::vector<std::byte> shifted_byte_by_byte(const FrameGeometry& g, const std::byte* source, Shift shift) {
  const auto height = static_cast<std::int64_t>(g.height);
  const auto width = static_cast<std::int64_t>(g.width);
  const auto item_bytes = static_cast<std::int64_t>(g.item_bytes);
  std::vector<std::byte> target(g.bytes());
  std::byte* at = target.data();
  for (std::int64_t plane = 0; plane < static_cast<std::int64_t>(g.planes); ++plane)
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x, at += item_bytes) {
        const std::int64_t from_y = std::clamp<std::int64_t>(y + shift.down, 0, height - 1);
        const std::int64_t from_x = std::clamp<std::int64_t>(x + shift.right, 0, width - 1);
        std::memcpy(at, source + ((plane * height + from_y) * width + from_x) * item_bytes, g.item_bytes);
      }
  return target;
}

std::vector<std::byte> frames_byte_by_byte(const FrameGeometry& g, const std::byte* source, std::size_t count,
                                           Shift shift) {
  std::vector<std::byte> target;
  for (std::size_t frame = 0; frame < count; ++frame) {
    const auto shifted = shifted_byte_by_byte(g, source + frame * g.bytes(), shift);
    target.insert(target.end(), shifted.begin(), shifted.end());
  }
  return target;
}

// Memory between two protected pages. The address sanitizer does not check masked loads; these pages do.
class Guarded {
 public:
  explicit Guarded(std::size_t bytes) : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    inner_ = (bytes + page_ - 1) / page_ * page_;
    void* mapped = mmap(nullptr, inner_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    block_ = static_cast<std::byte*>(mapped);
    if (mprotect(begin(), inner_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  }
  ~Guarded() { munmap(block_, inner_ + 2 * page_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  std::byte* begin() const { return block_ + page_; }
  std::byte* end() const { return begin() + inner_; }

 private:
  std::size_t page_;
  std::size_t inner_;
  std::byte* block_;
};

// A target at `offset` bytes from a cache line; checks that the bytes around it stay unchanged.
class Target {
 public:
  Target(std::size_t bytes, std::size_t offset) : bytes_(bytes), block_(bytes + 4 * kAround, kUntouched) {
    const auto address = reinterpret_cast<std::uintptr_t>(block_.data());
    begin_ = kAround + (kAround - address % kAround) % kAround + offset;
  }

  std::byte* data() { return block_.data() + begin_; }
  bool holds(const std::vector<std::byte>& expected) const {
    const std::vector<std::byte> untouched(block_.size(), kUntouched);
    const std::byte* at = block_.data() + begin_;
    return std::ranges::equal(std::span(at, bytes_), expected) &&
           std::memcmp(block_.data(), untouched.data(), begin_) == 0 &&
           std::memcmp(at + bytes_, untouched.data(), block_.size() - begin_ - bytes_) == 0;
  }
  void wipe() { block_.assign(block_.size(), kUntouched); }

 private:
  static constexpr std::size_t kAround = 64;
  static constexpr std::byte kUntouched{0xA5};

  std::size_t bytes_;
  std::size_t begin_;
  std::vector<std::byte> block_;
};

// A copier for each supported instruction set.
std::vector<FrameCopier> copiers(const FrameGeometry& geometry, int most) {
  std::vector<FrameCopier> all;
  for (const Isa isa : supported_isas()) all.emplace_back(geometry, most, isa);
  return all;
}

int most_shift(const FrameGeometry& geometry, int wanted) {
  return std::min(wanted, static_cast<int>(std::min(geometry.height, geometry.width)) - 1);
}

template <class Body>
void for_each_shift(int most, const Body& body) {
  for (int down = -most; down <= most; ++down)
    for (int right = -most; right <= most; ++right) body(Shift{down, right});
}

}  // namespace

// Every width up to one and a half pieces, so that rows are too narrow to stream, just wide enough, and wider.
TEST(every_shift_equals_the_definition) {
  Random random(1);
  for (const std::size_t item_bytes : kItemBytes)
    for (std::size_t width = 1; width <= 100; ++width) {
      const FrameGeometry geometry{1 + width % 3, 3 + width % 2, width, item_bytes};
      const int most = most_shift(geometry, 3);
      const std::vector<FrameCopier> all = copiers(geometry, most);
      const std::size_t count = 1 + width % 4;
      const std::vector<std::byte> source = random.bytes(count * geometry.bytes());
      for_each_shift(most, [&](Shift shift) {
        if (random.chance(0.5)) return;
        const auto expected = frames_byte_by_byte(geometry, source.data(), count, shift);
        for (const FrameCopier& copier : all)
          for (const Store store : kStores) {
            const auto places = static_cast<std::int64_t>(64 / item_bytes);
            Target target(source.size(), static_cast<std::size_t>(random.below(places)) * item_bytes);
            copier.copy(source.data(), count, shift, target.data(), store, source.data());
            finish_streaming();
            CHECK(target.holds(expected));
          }
      });
    }
}

// Widths near the narrowest that can be streamed, with rows that begin at any offset in a piece.
TEST(targets_may_have_any_alignment_to_the_items_size) {
  constexpr int most = 2;
  for (const std::size_t item_bytes : kItemBytes)
    for (const std::size_t more : {0U, 1U, 7U, 64U}) {
      const FrameGeometry geometry{2, 3, 64 / item_bytes + most + more, item_bytes};
      const std::vector<FrameCopier> all = copiers(geometry, most);
      const std::vector<std::byte> source = Random(more).bytes(2 * geometry.bytes());
      for_each_shift(most, [&](Shift shift) {
        const auto expected = frames_byte_by_byte(geometry, source.data(), 2, shift);
        for (std::size_t offset = 0; offset < 64; offset += item_bytes) {
          Target target(source.size(), offset);
          for (const FrameCopier& copier : all)
            for (const Store store : kStores) {
              target.wipe();
              copier.copy(source.data(), 2, shift, target.data(), store, source.data());
              finish_streaming();
              CHECK(target.holds(expected));
            }
        }
      });
    }
}

TEST(shifts_of_more_than_a_piece_equal_the_definition) {
  for (const std::size_t item_bytes : kItemBytes)
    for (const std::size_t width : {101U, 163U, 164U, 165U, 230U}) {
      constexpr int most = 100;
      const FrameGeometry geometry{1, 101, width, item_bytes};
      const std::vector<FrameCopier> all = copiers(geometry, most);
      const std::vector<std::byte> source = Random(width).bytes(geometry.bytes());
      for (const int down : {-100, 0, 99})
        for (const int right : {-100, -65, -64, -63, -1, 0, 7, 63, 64, 65, 100}) {
          const auto expected = shifted_byte_by_byte(geometry, source.data(), {down, right});
          for (const FrameCopier& copier : all)
            for (const Store store : kStores) {
              Target target(source.size(), 24);
              copier.copy(source.data(), 1, {down, right}, target.data(), store, source.data());
              finish_streaming();
              CHECK(target.holds(expected));
            }
        }
    }
}

// An access outside ends the process.
TEST(shifts_of_wide_rows_equal_the_definition_with_and_without_a_table) {
  constexpr int most = 8;
  for (const std::size_t width : {std::size_t{7000}, std::size_t{30000}}) {  // masks of less and of more than 1 MiB
    const FrameGeometry geometry{1, 10, width, 1};
    const std::vector<std::byte> source = Random(width).bytes(geometry.bytes());
    for (const FrameCopier& copier : copiers(geometry, most)) {
      for (const Shift shift : {Shift{1, -most}, Shift{-2, most}, Shift{0, 1}}) {
        std::vector<std::byte> target(geometry.bytes());
        copier.copy(source.data(), 1, shift, target.data(), Store::kStreaming, source.data());
        finish_streaming();
        CHECK(target == shifted_byte_by_byte(geometry, source.data(), shift));
      }
    }
  }
}

TEST(no_byte_outside_source_and_target_is_accessed) {
  Random random(3);
  for (const std::size_t item_bytes : kItemBytes)
    for (const std::size_t width : {1U, 3U, 9U, 63U, 66U, 67U, 70U, 96U, 129U}) {
      const FrameGeometry geometry{2, 4, width, item_bytes};
      const int most = most_shift(geometry, 2);
      const std::vector<FrameCopier> all = copiers(geometry, most);
      constexpr std::size_t count = 2;
      const std::size_t bytes = count * geometry.bytes();
      const std::vector<std::byte> drawn = random.bytes(bytes);
      const Guarded from(bytes);
      const Guarded to(bytes);
      for_each_shift(most, [&](Shift shift) {
        const auto expected = frames_byte_by_byte(geometry, drawn.data(), count, shift);
        for (std::byte* source : {from.begin(), from.end() - bytes})
          for (std::byte* target : {to.begin(), to.end() - bytes})
            for (const FrameCopier& copier : all)
              for (const Store store : kStores) {
                std::memcpy(source, drawn.data(), bytes);
                std::memset(target, 0xA5, bytes);
                copier.copy(source, count, shift, target, store, source);
                finish_streaming();
                CHECK(std::memcmp(expected.data(), target, bytes) == 0);
              }
      });
    }
}

// Blocks of the exact size, for the address sanitizer.
TEST(copies_stay_within_blocks_of_the_heap) {
  for (const std::size_t item_bytes : kItemBytes)
    for (const std::size_t width : {2U, 8U, 15U, 68U, 84U}) {
      const FrameGeometry geometry{3, 3, width, item_bytes};
      const int most = most_shift(geometry, 2);
      const std::vector<FrameCopier> all = copiers(geometry, most);
      for (std::size_t count = 1; count <= 4; ++count) {
        const std::vector<std::byte> source = Random(count).bytes(count * geometry.bytes());
        for_each_shift(most, [&](Shift shift) {
          const auto expected = frames_byte_by_byte(geometry, source.data(), count, shift);
          for (const FrameCopier& copier : all)
            for (const Store store : kStores) {
              std::vector<std::byte> target(source.size());
              copier.copy(source.data(), count, shift, target.data(), store, source.data());
              finish_streaming();
              CHECK(target == expected);
            }
        });
      }
    }
}

// The prefetched address is never read, so it may be invalid.
TEST(the_prefetched_address_may_be_invalid) {
  const FrameGeometry geometry{1, 40, 96, 1};
  const std::vector<std::byte> source = Random(4).bytes(geometry.bytes());
  const Guarded nowhere(1);
  for (const FrameCopier& copier : copiers(geometry, 4))
    for (const Shift shift : {Shift{0, 0}, Shift{1, -2}, Shift{-4, 4}})
      for (const Store store : kStores) {
        std::vector<std::byte> target(source.size());
        copier.copy(source.data(), 1, shift, target.data(), store, nowhere.end());
        finish_streaming();
        CHECK(target == shifted_byte_by_byte(geometry, source.data(), shift));
      }
}

TEST(a_copy_of_no_frames_writes_nothing) {
  const FrameGeometry geometry{1, 4, 96, 1};
  const std::vector<std::byte> source(1);
  for (const FrameCopier& copier : copiers(geometry, 1))
    for (const Shift shift : {Shift{0, 0}, Shift{1, 1}})
      for (const Store store : kStores) {
        Target target(0, 5);
        copier.copy(source.data(), 0, shift, target.data(), store, source.data());
        CHECK(target.holds({}));
      }
}

// By definition a byte of a row is outside the edge if the moved source row covers it.
TEST(inside_of_piece_equals_the_definition) {
  for (const std::ptrdiff_t row_bytes : {64, 65, 80, 127, 128, 200})
    for (std::ptrdiff_t off = -(row_bytes - 64); off <= row_bytes - 64; ++off) {
      CHECK(shift_streams(row_bytes, off));
      for (std::ptrdiff_t x = -63; x < row_bytes; ++x) {
        const std::uint64_t inside = inside_of_piece(row_bytes, off, x);
        for (std::ptrdiff_t byte = 0; byte < 64; ++byte) {
          const std::ptrdiff_t in_row = (x + byte + row_bytes) % row_bytes;
          const bool expected = in_row + off >= 0 && in_row + off < row_bytes;
          // Before the beginning of a row is the row before, whose end a piece can overlap.
          if (x + byte < 0) continue;
          if ((inside >> byte & 1) != static_cast<std::uint64_t>(expected)) {
            CHECK(false);
            return;
          }
        }
      }
    }
  CHECK(!shift_streams(63, 0));
  CHECK(!shift_streams(64, 1));
  CHECK(!shift_streams(64, -1));
}
