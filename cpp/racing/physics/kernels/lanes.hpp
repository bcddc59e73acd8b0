// Eight lanes of float32 or float64 in the compiler's vector types.
//
// Included by one file per instruction set, so everything has internal linkage: variants must not share functions.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "racing/physics/kernels/car_kernels.hpp"

namespace apexline::racing {
namespace {

static_assert(kLanes == 8);
using Floats = float __attribute__((vector_size(32)));
using Ints = std::int32_t __attribute__((vector_size(32)));  // also the result of comparing Floats: -1 or 0
using Doubles = double __attribute__((vector_size(64)));
using Longs = std::int64_t __attribute__((vector_size(64)));  // also the result of comparing Doubles

template <class V, class T>
inline V load(const Lane<T>& lanes) noexcept {
  V v;
  static_assert(sizeof(v) == sizeof(lanes));
  std::memcpy(&v, &lanes, sizeof(v));
  return v;
}

template <class V, class T>
inline void store(Lane<T>& lanes, V v) noexcept {
  static_assert(sizeof(v) == sizeof(lanes));
  std::memcpy(&lanes, &v, sizeof(v));
}

inline Floats load(const Lane<float>& lanes) noexcept { return load<Floats>(lanes); }
inline Doubles load(const Lane<double>& lanes) noexcept { return load<Doubles>(lanes); }
inline Longs load(const Lane<std::int64_t>& lanes) noexcept { return load<Longs>(lanes); }

inline Doubles widened(Floats v) noexcept { return __builtin_convertvector(v, Doubles); }
inline Floats narrowed(Doubles v) noexcept { return __builtin_convertvector(v, Floats); }
inline Longs widened(Ints v) noexcept { return __builtin_convertvector(v, Longs); }

inline Ints mask_of(LaneMask lanes) noexcept {
  const auto all = static_cast<std::int32_t>(lanes);
  return ((Ints{} + all) & Ints{1, 2, 4, 8, 16, 32, 64, 128}) != 0;
}

inline bool any(Ints mask) noexcept {
  std::uint64_t words[4];
  std::memcpy(words, &mask, sizeof(words));
  return ((words[0] | words[1]) | (words[2] | words[3])) != 0;
}

template <class V>
inline V absolute(V v) noexcept {
  return v < 0 ? -v : v;
}

template <class V>
inline V root(V v) noexcept {
  constexpr int kCount = sizeof(v) / sizeof(v[0]);
  for (int i = 0; i < kCount; ++i) v[i] = std::sqrt(v[i]);
  return v;
}

// b2Min and b2Max: the second argument if both are equal.
inline Floats smaller(Floats a, Floats b) noexcept { return a < b ? a : b; }
inline Floats larger(Floats a, Floats b) noexcept { return a > b ? a : b; }
inline Floats clamped(Floats v, Floats low, Floats high) noexcept { return larger(low, smaller(v, high)); }

}  // namespace
}  // namespace apexline::racing
