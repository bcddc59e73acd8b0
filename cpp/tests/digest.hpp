// FNV-1a, eight bytes at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace apexline::test {

class Digest {
 public:
  template <class T>
  void add(const std::vector<T>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, &bytes[i], std::min(sizeof(eight), bytes.size() - i));
      hash_ = (hash_ ^ eight) * 0x100000001B3;
    }
  }
  std::uint64_t hash() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325;
};

}  // namespace apexline::test
