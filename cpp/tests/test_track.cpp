#include "racing/base/track.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "racing/base/constants.hpp"

using namespace apexline::racing;

namespace {

// numpy.random.PCG64(2026).state and that of 2003, whose first attempt fails.
constexpr Pcg64::State kSeed2026{.state_high = 0x8b4e2f84ea4132eb,
                                 .state_low = 0x2d429278cd96cb05,
                                 .increment_high = 0xbec6782ecb0472d8,
                                 .increment_low = 0xdd766bd09854840b};
constexpr Pcg64::State kSeed2003{.state_high = 0xde1c769020d5952f,
                                 .state_low = 0x4d6a834eba3cb62c,
                                 .increment_high = 0xdfbe8133cdb62873,
                                 .increment_low = 0xf6818753bf37a503};

// The last bits depend on libm; tests/oracle compares them with the game using the same libm.
bool near(double a, double b) { return std::abs(a - b) < 1e-9; }
bool near(Point a, Point b) { return near(a.x, b.x) && near(a.y, b.y); }
bool same_node(const Node& a, const Node& b) {
  return near(a.alpha, b.alpha) && near(a.beta, b.beta) && near(a.x, b.x) && near(a.y, b.y);
}

Point centre(const Node& node) { return {node.x, node.y}; }
Point middle(Point a, Point b) { return {(a.x + b.x) / 2, (a.y + b.y) / 2}; }

double distance(Point a, Point b) { return std::hypot(a.x - b.x, a.y - b.y); }

template <class Body>
void for_many_tracks(Body body) {
  Pcg64 random(kSeed2026);
  Track track;
  for (int i = 0; i < 200; ++i) {
    create_track(random, track);
    body(track);
  }
}

}  // namespace

TEST(a_known_track) {
  Pcg64 random(kSeed2026);
  Track track;
  CHECK(create_track(random, track) == 0);
  CHECK(random.state().state_high == 0xf8117442b54cb641 && random.state().state_low == 0x38c314a0406f299d);
  CHECK(track.num_tiles() == 300 && track.nodes.size() == 300 && track.kerbs.size() == 55);
  CHECK(same_node(track.nodes[0],
                  {-0x1.063e948d158d0p-2, -0x1.c323aa60a9a7bp-4, 0x1.b62d7843b5d63p+7, -0x1.ae4ea4129fa07p+5}));
  CHECK(same_node(track.nodes[100],
                  {0x1.7647e83d5ecefp+0, 0x1.3ff72288314c6p+1, 0x1.618ad46bcbefdp+3, 0x1.d6955214d835cp+6}));
  const Kerb& kerb = track.kerbs[0];
  CHECK(kerb.tile == 17 && !kerb.is_white);
  CHECK(near(kerb.corners[0], {0x1.b5f0239208bcap+7, 0x1.4355bb9b726e7p+2}));
  CHECK(near(kerb.corners[1], {0x1.b34628b600e87p+7, 0x1.3f821c753b59dp+2}));
  CHECK(near(kerb.corners[2], {0x1.b295e224c41e6p+7, 0x1.603533c5d812bp+1}));
  CHECK(near(kerb.corners[3], {0x1.b53c69d8be4b5p+7, 0x1.4d72c5e903c10p+1}));
}

TEST(a_failed_attempt_only_consumes_random_numbers) {
  Pcg64 random(kSeed2003);
  Track track;
  CHECK(create_track(random, track) == 1);
  CHECK(random.state().state_high == 0x5204e4ff706c8302 && random.state().state_low == 0x1a2011f9a2b7e29c);
  CHECK(track.num_tiles() == 276 && track.kerbs.size() == 60);

  Pcg64 later(kSeed2003);
  for (int number = 0; number < 24; ++number) later.uniform(0, 1);  // two per checkpoint
  Track same;
  CHECK(create_track(later, same) == 0);
  CHECK(same.num_tiles() == 276 && same.nodes[200].x == track.nodes[200].x);
}

TEST(tiles_form_a_closed_ring_of_the_width_of_the_road) {
  for_many_tracks([](const Track& track) {
    CHECK(track.nodes.size() == track.tiles.size());
    const Quad* last = &track.tiles.back();
    for (std::size_t i = 0; i < track.tiles.size(); ++i) {
      const Quad& tile = track.tiles[i];
      CHECK(tile[2].x == (*last)[1].x && tile[2].y == (*last)[1].y);
      CHECK(tile[3].x == (*last)[0].x && tile[3].y == (*last)[0].y);
      CHECK(near(distance(tile[0], tile[1]), 2 * kTrackWidth));
      CHECK(near(middle(tile[0], tile[1]), centre(track.nodes[i])));
      last = &tile;
    }
  });
}

TEST(nodes_are_one_step_apart_and_the_ends_meet) {
  for_many_tracks([](const Track& track) {
    for (std::size_t i = 1; i < track.nodes.size(); ++i)
      CHECK(near(distance(centre(track.nodes[i]), centre(track.nodes[i - 1])), kTrackDetailStep));
    const Node& first = track.nodes.front();
    CHECK(std::hypot(std::cos(first.beta) * (first.x - track.nodes.back().x),
                     std::sin(first.beta) * (first.y - track.nodes.back().y)) <= kTrackDetailStep);
  });
}

// The road may be straight before a turn that has a kerb: that kerb has no width.
TEST(kerbs_line_the_road_in_order) {
  std::size_t num_kerbs = 0;
  std::size_t num_flat = 0;
  for_many_tracks([&](const Track& track) {
    std::int32_t previous = -1;
    for (const auto& [index, is_white, corners] : track.kerbs) {
      CHECK(index > previous && index < track.num_tiles());
      previous = index;
      CHECK(is_white == (index % 2 == 0));
      const Quad& tile = track.tiles[static_cast<std::size_t>(index)];
      const bool left = near(corners[0], tile[0]) && near(corners[3], tile[3]);
      const bool right = near(corners[0], tile[1]) && near(corners[3], tile[2]);
      const bool flat = near(corners[0], middle(tile[0], tile[1])) && near(corners[1], corners[0]) &&
                        near(corners[3], middle(tile[2], tile[3])) && near(corners[2], corners[3]);
      CHECK(left + right + flat == 1);
      if (!flat) {
        CHECK(near(distance(corners[0], corners[1]), kBorder));
        CHECK(near(distance(corners[1], tile[left ? 1 : 0]), 2 * kTrackWidth + kBorder));
      }
      num_flat += flat;
      ++num_kerbs;
    }
  });
  CHECK(num_flat > 0 && num_flat < num_kerbs / 100);
}

TEST(the_nodes_of_a_track_make_the_same_track) {
  for_many_tracks([&](const Track& track) {
    Track again;
    build_track(track.nodes, again);
    CHECK(again.tiles.size() == track.tiles.size() && again.kerbs.size() == track.kerbs.size());
    for (std::size_t i = 0; i < track.tiles.size(); ++i)
      for (std::size_t corner = 0; corner < 4; ++corner)
        CHECK(distance(again.tiles[i][corner], track.tiles[i][corner]) == 0);
    for (std::size_t i = 0; i < track.kerbs.size(); ++i) {
      CHECK(again.kerbs[i].tile == track.kerbs[i].tile && again.kerbs[i].is_white == track.kerbs[i].is_white);
      CHECK(distance(again.kerbs[i].corners[1], track.kerbs[i].corners[1]) == 0);
    }
  });
}

TEST(memory_is_reused) {
  Pcg64 random(kSeed2026);
  Track track;
  track.nodes.reserve(600);
  track.tiles.reserve(600);
  track.kerbs.reserve(600);
  const void* const before[] = {track.nodes.data(), track.tiles.data(), track.kerbs.data()};
  for (int i = 0; i < 50; ++i) create_track(random, track);
  CHECK(track.nodes.data() == before[0] && track.tiles.data() == before[1] && track.kerbs.data() == before[2]);
}
