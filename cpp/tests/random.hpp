// Random test inputs, the same on every platform.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "support/philox.hpp"

namespace apexline::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : seed_(seed) {}

  std::int64_t below(std::int64_t bound) { return apexline::below(word(), static_cast<std::uint32_t>(bound)); }
  double unit() { return unit_interval(word()); }
  bool chance(double probability) { return unit() < probability; }

  // A priority: zero, a denormal, the largest one, or one of any magnitude.
  double priority() {
    if (chance(0.3)) return 0.0;
    if (chance(0.1)) return 5e-324 * static_cast<double>(1 + below(1000));
    if (chance(0.3)) return std::pow(10.0, 589 * unit() - 299);  // 1e-299 .. 1e290
    return unit();
  }

  std::vector<std::byte> bytes(std::size_t count) {
    std::vector<std::byte> drawn(count);
    for (std::size_t i = 0; i < count; i += sizeof(std::uint64_t)) {
      const std::uint64_t eight = word();
      std::memcpy(&drawn[i], &eight, std::min(sizeof(eight), count - i));
    }
    return drawn;
  }

 private:
  std::uint64_t word() { return philox({seed_, 0}, {draws_++, 0, 0, 0})[0]; }

  std::uint64_t seed_;
  std::uint64_t draws_ = 0;
};

}  // namespace apexline::test
