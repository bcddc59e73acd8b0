// The road of one episode: tiles in driving order, and the kerbs on hard turns.
//
// `create_track` consumes exactly the random numbers that CarRacing._create_track consumes in reset's loop, failed
// attempts included, and gives its float64 values, bit for bit where libm is the same.
#pragma once

#include <cstdint>
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

// The corners follow the edge of the road and then lie kBorder further out. Where a kerb leads into a turn from a
// tile that is exactly straight (one in 9,000 does) all its corners lie on the centre line, as the game draws it.
struct Kerb {
  std::int32_t tile = 0;  // drawn straight after this tile
  bool is_white = false;  // else red
  Quad corners{};

  template <class Archive>
  void serialize(Archive& archive) {
    archive(tile, is_white, corners);
  }
};

struct Track {
  std::vector<Node> nodes;   // one a tile
  std::vector<Quad> tiles;   // corners as in road_poly: left and right of this node, right and left of the last
  std::vector<Kerb> kerbs;   // by tile

  [[nodiscard]] std::int32_t num_tiles() const noexcept { return static_cast<std::int32_t>(tiles.size()); }
};

// Replaces what `track` holds, keeping its memory; needs 90 KB of stack. Returns how many attempts failed before.
int create_track(Pcg64& random, Track& track);

}  // namespace apexline::racing
