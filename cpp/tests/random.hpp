// Random test inputs, the same on every platform.
#pragma once

#include <cstdint>

#include "apexline/support/philox.hpp"

namespace apexline::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : seed_(seed) {}

  std::int64_t below(std::int64_t bound) { return apexline::below(word(), static_cast<std::uint32_t>(bound)); }
  double unit() { return unit_interval(word()); }
  bool chance(double probability) { return unit() < probability; }

 private:
  std::uint64_t word() { return philox({seed_, 0}, {draws_++, 0, 0, 0})[0]; }

  std::uint64_t seed_;
  std::uint64_t draws_ = 0;
};

}  // namespace apexline::test
