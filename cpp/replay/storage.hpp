// Zeroed memory that the operating system provides page by page when it is first written.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace apexline {

// Alignment of every block: one cache line.
inline constexpr std::size_t kCacheLine = 64;

class ZeroedBytes {
 public:
  // `count` items of `item_bytes` each. Throws std::bad_alloc if the address space is too small.
  ZeroedBytes(std::size_t count, std::size_t item_bytes);

  [[nodiscard]] std::byte* data() noexcept { return aligned_; }
  [[nodiscard]] const std::byte* data() const noexcept { return aligned_; }

  template <class T>
  [[nodiscard]] T* as() noexcept {
    return reinterpret_cast<T*>(aligned_);
  }
  template <class T>
  [[nodiscard]] const T* as() const noexcept {
    return reinterpret_cast<const T*>(aligned_);
  }

 private:
  struct Free {
    void operator()(void* block) const noexcept { std::free(block); }
  };
  std::unique_ptr<void, Free> block_;
  std::byte* aligned_ = nullptr;
};

}  // namespace apexline
