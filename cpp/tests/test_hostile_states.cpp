// States with a valid checksum whose numbers cannot occur: refused, or harmless. Also run under the sanitizers.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"
#include "hostile_states.hpp"
#include "racing/render/exact/exact_frame.hpp"
#include "worlds.hpp"

using namespace apexline::racing;
using namespace apexline::test;

namespace {

template <class... Values>
std::array<std::uint8_t, sizeof...(Values)> bytes(Values... values) {
  return {static_cast<std::uint8_t>(values)...};
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

WorldOptions sliding_options() {
  WorldOptions options = small_frames(1);
  options.game.domain_randomize = true;
  options.game.keeps_skid_marks = true;
  options.autoreset = Autoreset::kContinue;
  return options;
}

// After a slide that has left marks.
std::vector<std::uint8_t> sliding_state() {
  TestWorld envs(sliding_options());
  envs.reset();
  for (int i = 0; i < 90; ++i) envs.step({{i % 40 < 20 ? 1.0 : -1.0, 1, i % 30 == 29 ? 1.0 : 0.0}});
  return envs.world.save(0);
}

// Steps, images, a state and a reset of what was accepted.
void use(TestWorld& envs, Canvas& canvas) {
  for (int i = 0; i < 3; ++i) envs.step({{0.5, 1, 0}});
  const Scene scene = envs.world.scene(0);
  draw_exact_frame(canvas, scene, envs.world.episode(0).skid_marks().marks(), plain_digits());
  CHECK(!envs.world.save(0).empty());
  envs.reset();
}

class Refusals {
 public:
  Refusals() : envs_(sliding_options()) {
    envs_.reset();
    before_ = envs_.world.save(0);
  }
  void refused(const std::string& part, const StateContent& content) {
    CHECK_THROWS(std::invalid_argument, "the state cannot occur: its " + part, envs_.world.load(0, content.sealed()));
    CHECK(envs_.world.save(0) == before_);
  }
  void truncated(const StateContent& content) {
    CHECK_THROWS(std::invalid_argument, "the state is truncated", envs_.world.load(0, content.sealed()));
  }

 private:
  TestWorld envs_;
  std::vector<std::uint8_t> before_;
};

}  // namespace

TEST(a_state_can_be_taken_apart) {
  const auto state = sliding_state();
  const StateContent good(state);
  CHECK(good.sealed() == state);
  CHECK(good.count(good.nodes) > 200 && good.count(good.visited) == good.count(good.nodes));
  CHECK(good.marks.size() > 1 && good.at<std::int32_t>(good.num_frames) == 90);
  CHECK(std::abs(good.at<double>(good.seconds) - 91 / 50.0) < 1e-9);
  TestWorld envs(sliding_options());
  envs.reset();
  envs.world.load(0, good.sealed());
  CHECK(envs.world.save(0) == state);
}

// A tile of these corners had a hull of eight vertices, which were written beyond the road's memory. Tiles are no longer
// part of a state; nodes so far away are refused.
TEST(nodes_that_are_not_on_the_field_are_refused) {
  const StateContent good(sliding_state());
  Refusals envs;
  const std::array<Point, 4> corners{{{1, 0}, {1e30, 0}, {3e38, 3e38}, {3e38, 5}}};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t place = good.nodes + i * 4 * sizeof(double) + 2 * sizeof(double);
    envs.refused("track", good.with(place, corners[i].x == 1 ? kNan : corners[i].x));
    envs.refused("track", good.with(place + sizeof(double), corners[i].y + 1e30));
  }
  for (const double bad : {kNan, kInfinity, -kInfinity})
    for (std::size_t field = 0; field < 4; ++field)
      envs.refused("track", good.with(good.nodes + (8 + field) * sizeof(double), bad));
  // On the field, but 300 units from its neighbours.
  envs.refused("track", good.with(good.nodes + 2 * sizeof(double), -150.0));
}

TEST(counts_that_the_bytes_do_not_hold_are_refused) {
  const StateContent good(sliding_state());
  Refusals envs;
  for (const std::size_t first :
       {good.nodes, good.visited, good.touched, good.under_wheels, good.touching_wheels, good.num_marks + 8})
    for (const std::uint64_t count : {std::uint64_t{1} << 24, std::uint64_t{1} << 61, ~std::uint64_t{0}})
      envs.truncated(good.with(first - 8, count));
}

TEST(flags_are_zero_or_one) {
  const StateContent good(sliding_state());
  Refusals envs;
  for (const std::size_t place : {good.random + 32, good.lap_is_complete, good.marks[0], good.traces, good.traces + 1,
                                  good.traces + 3 * good.kTrace})
    for (const std::uint8_t value : bytes(2, 8, 255)) envs.refused("flags", good.with(place, value));
  for (const std::uint8_t value : bytes(3, 8, 255)) envs.refused("phase", good.with(good.phase, value));
  envs.refused("phase", good.with(good.phase, std::uint8_t{0}));
  for (const std::uint8_t value : bytes(2, 8, 255)) {
    envs.refused("tiles", good.with(good.visited + 1, value));
    envs.refused("tiles", good.with(good.touched + 1, value));
  }
  envs.refused("tiles", good.with(good.touched, std::uint8_t{0}));  // but visited
}

TEST(a_generator_that_repeats_one_number_is_refused) {
  const StateContent good(sliding_state());
  Refusals envs;
  const std::size_t low = good.random + 3 * 8;
  envs.refused("random generator", good.with(low, good.at<std::uint64_t>(low) - 1));
  StateContent zero = good;
  for (std::size_t word = 0; word < 4; ++word) zero = zero.with(good.random + 8 * word, std::uint64_t{0});
  envs.refused("random generator", zero);
}

TEST(numbers_out_of_range_are_refused) {
  const StateContent good(sliding_state());
  Refusals envs;
  for (const double bad : {kNan, kInfinity, -kInfinity, 1e300, -1.0, 255.0})
    for (std::size_t channel = 0; channel < 9; ++channel)
      envs.refused("colours", good.with(good.palette + 8 * channel, bad));
  for (const double bad : {kNan, kInfinity, -1e300}) {
    envs.refused("score", good.with(good.score, bad));
    for (std::size_t i = 0; i < 4; ++i) envs.refused("counters", good.with(good.seconds + 8 * i, bad));
  }
  envs.refused("counters", good.with(good.seconds, 0.5));
  for (const std::int32_t bad : {-1, 7, std::numeric_limits<std::int32_t>::max()})
    envs.refused("counters", good.with(good.num_frames, bad));
  envs.refused("counters", good.with(good.num_failed, -1));
  for (const std::int32_t bad : {-1, 2500}) envs.refused("tiles", good.with(good.start_tile, bad));
  for (const std::int32_t bad : {-2, 2500}) {
    envs.refused("shaping", good.with(good.shaping, bad));
    envs.refused("shaping", good.with(good.shaping + 4, bad));
    envs.refused("shaping", good.with(good.shaping + 8, bad));
    envs.refused("shaping", good.with(good.shaping + 12, bad));
  }
}

TEST(tiles_under_wheels_ascend_and_are_visited) {
  TestWorld parked(small_frames(1));
  parked.reset();
  const StateContent good(parked.world.save(0));
  Refusals envs;
  CHECK(good.count(good.under_wheels) == 2);
  for (const std::int32_t bad : {-1, 0, 5, 2500}) envs.refused("tiles", good.with(good.under_wheels + 4, bad));
  for (const std::uint8_t bad : bytes(0, 16, 255)) envs.refused("tiles", good.with(good.touching_wheels, bad));
}

TEST(skid_marks_are_those_that_wheels_draw) {
  const StateContent good(sliding_state());
  Refusals envs;
  const std::size_t points = good.marks[0] + 9;
  for (const double bad : {kNan, kInfinity, 1e9}) envs.refused("skid marks", good.with(points, bad));
  envs.refused("skid marks", good.with(good.num_dropped, std::uint64_t{1}));
  envs.refused("skid marks", good.with(good.num_dropped, ~std::uint64_t{0}));
  std::size_t drawing = 0;
  for (std::size_t wheel = 0; wheel < kNumWheels; ++wheel) {
    const std::size_t trace = good.traces + wheel * good.kTrace;
    const auto num_points = good.at<std::uint64_t>(trace + 2);
    drawing += num_points > 0 ? 1 : 0;
    for (const std::uint64_t bad : {std::uint64_t{1}, std::uint64_t{31}, ~std::uint64_t{0}})
      envs.refused("skid marks", good.with(trace + 2, bad));
    envs.refused("skid marks", good.with(trace + 10, std::uint64_t{1} << 40));
    if (num_points > 0) envs.refused("skid marks", good.with(trace + 2, num_points == 2 ? 3 : num_points - 1));
  }
  CHECK(drawing > 0);
}

TEST(cars_that_cannot_occur_are_refused) {
  const StateContent good(sliding_state());
  TestWorld envs(sliding_options());
  envs.reset();
  constexpr std::size_t kFloats = 10 * kNumBodies;  // fields of bodies
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 3e38F})
    for (std::size_t field = 0; field < kFloats + 4 * kNumWheels; ++field)
      CHECK_THROWS(std::invalid_argument, "cannot occur: its car",
                   envs.world.load(0, good.with(good.car + 4 * field, bad).sealed()));
  const std::size_t limits = good.car + 4 * (kFloats + 4 * kNumWheels);
  for (const std::int32_t bad : {-2, 2, 255})
    CHECK_THROWS(std::invalid_argument, "its car", envs.world.load(0, good.with(limits, bad).sealed()));
}

// Every field in turn gets numbers of every kind. What is accepted is stepped, drawn, saved and reset.
TEST(mutants_are_refused_or_harmless) {
  const StateContent good(sliding_state());
  TestWorld envs(sliding_options());
  envs.reset();
  Canvas canvas(kSurfaceWidth, kSurfaceHeight);
  Random random(5);
  const auto pick = [&](const auto& values) {
    return values[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(values.size())))];
  };
  constexpr std::array kDoubles{0.0, -0.0,  1.0,  -1.0, 7.5,  300.0,     -660.0,
                                1e6, 6.7e7, 1e30, 3e38, kNan, kInfinity, 5e-324};
  constexpr std::array<std::int32_t, 9> kInts{0, 1, -1, 2, 29, 31, 300, INT32_MAX, INT32_MIN};
  constexpr std::array<std::uint64_t, 6> kWords{0, 1, 2, 31, std::uint64_t{1} << 40, ~std::uint64_t{0}};
  constexpr std::array<std::uint8_t, 4> kBytes{0, 1, 8, 255};
  const std::size_t behind_nodes = good.visited - 8;
  int accepted = 0;
  for (int i = 0; i < 3000; ++i) {
    auto place = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(good.bytes.size()) - 8));
    if (i % 4 != 0 && place >= good.nodes)  // most of the bytes are nodes
      place = behind_nodes + place % (good.bytes.size() - 8 - behind_nodes);
    const auto kind = random.below(5);
    const StateContent mutant = kind == 0   ? good.with(place, pick(kDoubles))
                                : kind == 1 ? good.with(place, static_cast<float>(pick(kDoubles)))
                                : kind == 2 ? good.with(place, pick(kInts))
                                : kind == 3 ? good.with(place, pick(kWords))
                                            : good.with(place, pick(kBytes));
    try {
      envs.world.load(0, mutant.sealed());
    } catch (const std::invalid_argument&) {
      continue;
    }
    ++accepted;
    use(envs, canvas);
  }
  CHECK(accepted > 300 && accepted < 2700);
}

// A game that is played on after its end, with the strongest car, still has states that are accepted.
TEST(states_of_extreme_games_are_restored) {
  WorldOptions options = sliding_options();
  options.game.friction = 100;
  options.game.engine_power = 100;
  options.game.start_speed = 100;
  options.game.start_tile.reset();
  for (const double friction : {100.0, 1e-9, 1.0}) {
    options.game.friction = friction;
    TestWorld envs(options);
    TestWorld other(options);
    envs.reset();
    other.reset();
    Random random(3);
    for (int i = 0; i < 1500; ++i) {
      const Pedals wild = drive_wildly(random);
      const double extreme = random.chance(0.05) ? 1e300 : 1;
      envs.step({{.steer = extreme * wild.steer,
                  .gas = wild.gas,
                  .brake = extreme * wild.brake,
                  .is_given = random.chance(0.9)}});
      if (i % 10 != 0) continue;
      const auto state = envs.world.save(0);
      other.world.load(0, state);
      CHECK(other.world.save(0) == state);
    }
    CHECK(std::abs(envs.world.block_of(0).x[kHullBody][0]) + std::abs(envs.world.block_of(0).y[kHullBody][0]) < 1e5F);
  }
}
