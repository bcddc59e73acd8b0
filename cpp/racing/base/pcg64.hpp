// NumPy's default generator, PCG64 (O'Neill 2014; XSL-RR 128/64), which can continue from any state of NumPy's.
//
// `uniform` and `integers` return the numbers of numpy.random.Generator, bit for bit.
#pragma once

#include <cstdint>

namespace apexline::racing {

class Pcg64 {
 public:
  // The fields of numpy.random.PCG64().state.
  struct State {
    std::uint64_t state_high = 0;
    std::uint64_t state_low = 0;
    std::uint64_t increment_high = 0;
    std::uint64_t increment_low = 1;
    bool has_uint32 = false;   // whether `uinteger` is the next result of next32
    std::uint32_t uinteger = 0;

    bool operator==(const State&) const = default;

    // Whether a generator can have this state. With an even increment it may return one number without end, and
    // `integers` would not return.
    [[nodiscard]] bool is_possible() const noexcept { return increment_low % 2 == 1; }

    template <class Archive>
    void serialize(Archive& archive) {
      archive(state_high, state_low, increment_high, increment_low, has_uint32, uinteger);
    }
  };

  explicit Pcg64(const State& state) noexcept : state_(state) {}

  [[nodiscard]] const State& state() const noexcept { return state_; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(state_);
  }

  // Generator.uniform(low, high)
  double uniform(double low, double high) noexcept;
  // Generator.integers(bound), bound >= 2
  std::uint32_t integers(std::uint32_t bound) noexcept;

 private:
  std::uint64_t next64() noexcept;
  std::uint32_t next32() noexcept;

  State state_;
};

}  // namespace apexline::racing
