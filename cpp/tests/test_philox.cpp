#include "support/philox.hpp"

#include <cstdint>
#include <vector>

#include "check.hpp"

using namespace apexline;

// Known answers of Random123 (kat_vectors, philox4x64 10).
TEST(zero_key_and_counter) {
  CHECK(philox({0, 0}, {0, 0, 0, 0}) ==
        PhiloxBlock{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b});
}

TEST(all_bits_set) {
  constexpr std::uint64_t ones = ~std::uint64_t{0};
  CHECK(philox({ones, ones}, {ones, ones, ones, ones}) ==
        PhiloxBlock{0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0});
}

TEST(digits_of_pi) {
  CHECK(philox({0x452821e638d01377, 0xbe5466cf34e90c6c},
               {0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89}) ==
        PhiloxBlock{0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6});
}

TEST(bounds_of_unit_interval) {
  CHECK(unit_interval(0) == 0.0);
  CHECK(unit_interval(~std::uint64_t{0}) == 1.0 - 0x1.0p-53);
}

TEST(bounds_of_below) {
  CHECK(below(0, 5) == 0);
  CHECK(below(~std::uint64_t{0}, 5) == 4);
  CHECK(below(~std::uint64_t{0}, 1) == 0);
}

TEST(a_stream_is_its_blocks_in_order) {
  constexpr PhiloxKey key{12, 34};
  constexpr std::uint64_t far = (std::uint64_t{1} << 40) - 6;
  constexpr std::size_t most = 40;
  for (const std::uint64_t begin : {std::uint64_t{0}, far})
    for (std::uint64_t first = begin; first < begin + 12; ++first)
      for (std::size_t length = 0; length <= most; ++length) {
        std::vector<std::uint64_t> words(length);  // of its exact size, for the address sanitizer
        philox_stream(key, first, words);
        for (std::size_t i = 0; i < length; ++i) {
          const std::uint64_t word = first + i;
          CHECK(words[i] == philox(key, {word / kPhiloxWords, 0, 0, 0})[word % kPhiloxWords]);
        }
      }
}
