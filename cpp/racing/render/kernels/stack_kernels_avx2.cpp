#include <immintrin.h>

#include <array>

#include "racing/render/kernels/stack_loops.hpp"

namespace apexline::racing {
namespace {

// Each 128-bit lane takes four pixels of every frame and writes them as kVectors<Count> vectors, the last one with a
// rest that the next write replaces.
constexpr std::size_t kLanePixels = 4;
constexpr std::size_t kVectorBytes = 16;
template <std::size_t Count>
constexpr std::size_t kLaneBytes = kLanePixels * Count * 3;
template <std::size_t Count>
constexpr std::size_t kVectors = (kLaneBytes<Count> + kVectorBytes - 1) / kVectorBytes;

// For each frame and vector, the places in the frame of the vector's bytes; 0x80, which gives zero, at the bytes of
// other frames.
template <std::size_t Count>
constexpr auto make_places() noexcept {
  std::array<std::array<std::array<std::uint8_t, kVectorBytes>, kVectors<Count>>, Count> places{};
  for (std::size_t frame = 0; frame < Count; ++frame)
    for (std::size_t byte = 0; byte < kVectors<Count> * kVectorBytes; ++byte) {
      const std::size_t pixel = byte / (Count * 3);
      const bool is_from_frame = byte < kLaneBytes<Count> && byte / 3 % Count == frame;
      places[frame][byte / kVectorBytes][byte % kVectorBytes] =
          is_from_frame ? static_cast<std::uint8_t>(pixel * 3 + byte % 3) : std::uint8_t{0x80};
    }
  return places;
}

template <std::size_t Count>
void interleave_all(const std::uint8_t* const* frames, std::size_t pixels, std::uint8_t* out) noexcept {
  static constexpr auto kPlaces = make_places<Count>();
  std::size_t pixel = 0;
  // A turn takes eight pixels, reads 28 bytes of each frame and may write 12 bytes past its end: both are within ten
  // pixels.
  for (std::uint8_t* to = out; pixel + 10 <= pixels; pixel += 2 * kLanePixels, to += 2 * kLaneBytes<Count>) {
    __m256i sums[kVectors<Count>] = {};
    for (std::size_t frame = 0; frame < Count; ++frame) {
      const auto* from = reinterpret_cast<const __m128i*>(frames[frame] + pixel * 3);
      const auto* next = reinterpret_cast<const __m128i*>(frames[frame] + (pixel + kLanePixels) * 3);
      const __m256i both = _mm256_set_m128i(_mm_loadu_si128(next), _mm_loadu_si128(from));
      for (std::size_t i = 0; i < kVectors<Count>; ++i) {
        const auto* places = reinterpret_cast<const __m128i*>(kPlaces[frame][i].data());
        const __m256i chosen = _mm256_shuffle_epi8(both, _mm256_broadcastsi128_si256(_mm_loadu_si128(places)));
        sums[i] = _mm256_or_si256(sums[i], chosen);
      }
    }
    for (std::size_t i = 0; i < kVectors<Count>; ++i)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i * kVectorBytes), _mm256_castsi256_si128(sums[i]));
    for (std::size_t i = 0; i < kVectors<Count>; ++i)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + kLaneBytes<Count> + i * kVectorBytes),
                       _mm256_extracti128_si256(sums[i], 1));
  }
  interleave_from<Count>(pixel, frames, pixels, out);
}

void interleave_frames(const std::uint8_t* const* frames, std::size_t count, std::size_t pixels,
                       std::uint8_t* out) noexcept {
  if (count == 2) return interleave_all<2>(frames, pixels, out);
  if (count == 3) return interleave_all<3>(frames, pixels, out);
  interleave_all<4>(frames, pixels, out);
}

}  // namespace

constinit const StackKernels StackKernels::kAvx2{interleave_frames};
// Memory limits the speed: wider registers gain nothing.
constinit const StackKernels StackKernels::kAvx512{interleave_frames};

}  // namespace apexline::racing
