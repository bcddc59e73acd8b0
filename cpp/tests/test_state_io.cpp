#include "racing/base/state_io.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

#include "check.hpp"

using namespace apexline::racing;

namespace {

struct Inner {
  std::int32_t number = 0;
  std::vector<double> values;

  bool operator==(const Inner&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, values);
  }
};

struct Outer {
  bool flag = false;
  std::vector<Inner> inners;
  std::array<float, 3> triple{};
  std::uint8_t last = 0;

  bool operator==(const Outer&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(flag, inners, triple, last);
  }
};

Outer example() { return {true, {{-7, {1.5, -2.5}}, {8, {}}, {9, {3}}}, {1, 2, 3}, 200}; }

std::vector<std::uint8_t> bytes_of(const Outer& value) {
  StateWriter writer;
  writer(value);
  return writer.take();
}

}  // namespace

TEST(write_and_read_round_trip) {
  const auto bytes = bytes_of(example());
  Outer read;
  read.inners.resize(20);
  StateReader reader(bytes);
  CHECK(!reader.is_at_end());
  reader(read);
  CHECK(read == example() && reader.is_at_end());
}

TEST(values_are_written_without_padding) {
  CHECK(bytes_of(example()).size() == 1 + 8 + (4 + 8 + 16) + (4 + 8) + (4 + 8 + 8) + 12 + 1);
}

TEST(a_truncated_value_throws) {
  const auto bytes = bytes_of(example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Outer read;
    StateReader reader({bytes.data(), size});
    CHECK_THROWS(std::invalid_argument, "the state is truncated", reader(read));
  }
}

TEST(an_impossible_count_throws_before_memory_is_allocated) {
  StateWriter writer;
  writer(std::numeric_limits<std::uint64_t>::max() / 2, 1.0, 2.0);
  const auto bytes = writer.take();
  std::vector<double> values;
  StateReader reader(bytes);
  CHECK_THROWS(std::invalid_argument, "the state is truncated", reader(values));
  CHECK(values.empty());
}

TEST(memory_is_bounded_by_the_bytes_that_hold_the_elements) {
  for (const std::uint64_t count : {std::uint64_t{3}, std::uint64_t{1} << 61}) {
    StateWriter writer;
    writer(count, 1.0, 2.0);
    const auto bytes = writer.take();
    std::vector<double> numbers;
    CHECK_THROWS(std::invalid_argument, "the state is truncated", StateReader(bytes)(numbers));
    CHECK(numbers.capacity() == 0);
    std::vector<Inner> inners;
    CHECK_THROWS(std::invalid_argument, "the state is truncated", StateReader(bytes)(inners));
    CHECK(inners.capacity() <= 8);
  }
}

TEST(a_bool_is_zero_or_one) {
  for (int value = 2; value < 256; ++value) {
    StateWriter writer;
    writer(static_cast<std::uint8_t>(value));
    const auto bytes = writer.take();
    bool flag = false;
    CHECK_THROWS(std::invalid_argument, "the state cannot occur: its flags", StateReader(bytes)(flag));
  }
}
