// The road of one episode: tiles in driving order, and the kerbs on hard turns.
//
// `create_track` consumes the same random numbers as CarRacing._create_track in the loop of reset, failed attempts
// included, and computes the same float64 values, bit for bit if libm is the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "racing/base/geometry.hpp"
#include "racing/base/pcg64.hpp"

namespace apexline::racing {

// A point of the centre line: direction `alpha` from the playfield's centre and heading `beta`, in radians.
struct Node {
  double alpha = 0;
  double beta = 0;
  double x = 0;
  double y = 0;
};

// Two corners on the edge of the road, then two kBorder further out. A kerb before a turn whose tile is exactly straight
// (one in 9,000) has all corners on the centre line, as in the game.
struct Kerb {
  std::int32_t tile = 0;  // drawn directly after this tile
  bool is_white = false;  // else red
  Quad corners{};
};

struct Track {
  std::vector<Node> nodes;   // one per tile
  std::vector<Quad> tiles;  // corners as in road_poly: left and right of this node, right and left of the previous one
  std::vector<Kerb> kerbs;  // by tile

  [[nodiscard]] std::int32_t num_tiles() const noexcept { return static_cast<std::int32_t>(tiles.size()); }
  // Whether no tile or kerb is more than kMaxAcross across.
  [[nodiscard]] bool is_drawable() const noexcept;

  // Units. Of 50,000 tracks the largest tile, where the ends of the lap do not meet, was 24.9 across; others 14.3.
  static constexpr double kMaxAcross = 100;
};

inline constexpr std::size_t kMaxNodes = 2500;  // of a track; no_freeze in car_racing.py

// Whether these can be the nodes of a road: 5 to kMaxNodes, on the field or near it (of 50,000 tracks none left it).
[[nodiscard]] bool are_nodes(std::span<const Node> nodes) noexcept;

// Replaces the contents of `track` by the tiles and kerbs along a closed centre line of 5 to kMaxNodes nodes, reusing its
// memory.
void build_track(std::span<const Node> nodes, Track& track);

// As build_track, along a random centre line. Replaces the contents of `track`, reusing its memory; needs 90 KB of stack. Returns the number of failed attempts.
int create_track(Pcg64& random, Track& track);

}  // namespace apexline::racing
