#include "racing/base/track.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <span>

#include "racing/base/constants.hpp"

namespace apexline::racing {
namespace {

constexpr std::size_t kCheckpoints = 12;                       // CHECKPOINTS
constexpr double kStartAlpha = 2 * kPi * -0.5 / kCheckpoints;  // start_alpha, radians
constexpr int kLaps = 4;                                       // the pen stops in the lap after these
constexpr double kDeadBand = 0.3;                              // of proj, within which the heading does not change
constexpr double kKerbTurn = kTrackTurnRate * 0.2;             // of a sharp turn, radians per tile

struct Checkpoint {
  double alpha = 0;
  double x = 0;
  double y = 0;
};

using Checkpoints = std::array<Checkpoint, kCheckpoints>;

Checkpoints draw_checkpoints(Pcg64& random) noexcept {
  Checkpoints checkpoints;
  for (std::size_t c = 0; c < kCheckpoints; ++c) {
    const double sector = 2 * kPi * static_cast<double>(c) / kCheckpoints;
    double alpha = sector + random.uniform(0, 2 * kPi * 1 / kCheckpoints);
    double radius = random.uniform(kTrackRadius / 3, kTrackRadius);
    // The first and the last are fixed; their random numbers are consumed nevertheless.
    if (c == 0 || c == kCheckpoints - 1) {
      alpha = sector;
      radius = 1.5 * kTrackRadius;
    }
    checkpoints[c] = {alpha, radius * std::cos(alpha), radius * std::sin(alpha)};
  }
  return checkpoints;
}

// The first checkpoint from `next` on that is ahead of `alpha`. If there is none, alpha is reduced by a full turn.
const Checkpoint& find_destination(const Checkpoints& checkpoints, std::size_t& next, double& alpha) noexcept {
  for (;;) {
    do {
      if (alpha <= checkpoints[next].alpha) return checkpoints[next];
      next = (next + 1) % kCheckpoints;
    } while (next != 0);
    alpha -= 2 * kPi;
  }
}

// Moves a pen from checkpoint to checkpoint; returns the part of `trace` that it filled.
//
// Nearly all of create_track's time is spent here, in a dependency chain over the sine of each step. (Compilers merge
// sin and cos into glibc's sincos, which returns the same bits.)
std::span<const Node> drive(const Checkpoints& checkpoints, std::span<Node, kMaxNodes> trace) noexcept {
  double x = 1.5 * kTrackRadius;
  double y = 0;
  double beta = 0;
  std::size_t next = 0;
  int laps = 0;
  bool visited_other_side = false;
  for (std::size_t step = 0; step < kMaxNodes; ++step) {
    double alpha = std::atan2(y, x);
    if (visited_other_side && alpha > 0) {
      ++laps;
      visited_other_side = false;
    }
    if (alpha < 0) {
      visited_other_side = true;
      alpha += 2 * kPi;
    }
    const Checkpoint& destination = find_destination(checkpoints, next, alpha);
    const double across_x = std::cos(beta);
    const double across_y = std::sin(beta);
    const double off = (across_x * (destination.x - x) + across_y * (destination.y - y)) * kScale;
    while (beta - alpha > 1.5 * kPi) beta -= 2 * kPi;
    while (beta - alpha < -1.5 * kPi) beta += 2 * kPi;
    const double last_beta = beta;
    const double turn = std::min(kTrackTurnRate, std::abs(0.001 * off));
    if (off > kDeadBand) beta -= turn;
    if (off < -kDeadBand) beta += turn;
    x += -across_y * kTrackDetailStep;
    y += across_x * kTrackDetailStep;
    trace[step] = {alpha, last_beta * 0.5 + beta * 0.5, x, y};
    if (laps > kLaps) return trace.first(step + 1);
  }
  return trace;
}

// The last complete lap of a trace; empty if there is none or if its ends do not meet.
std::span<const Node> closed_lap(std::span<const Node> trace) noexcept {
  std::size_t end = 0;
  for (std::size_t i = trace.size() - 1; i > 0; --i) {
    if (!(trace[i].alpha > kStartAlpha && trace[i - 1].alpha <= kStartAlpha)) continue;
    if (end == 0) {
      end = i;
      continue;
    }
    const auto lap = trace.subspan(i, end - 1 - i);
    // The stock game would raise an exception for such a short lap; no seed that produces one is known.
    if (lap.size() <= kBorderMinCount) return {};
    const double gap_x = std::cos(lap.front().beta) * (lap.front().x - lap.back().x);
    const double gap_y = std::sin(lap.front().beta) * (lap.front().y - lap.back().y);
    const double gap = std::sqrt(gap_x * gap_x + gap_y * gap_y);
    return gap > kTrackDetailStep ? std::span<const Node>{} : lap;
  }
  return {};
}

double sign(double value) noexcept { return value > 0 ? 1 : value < 0 ? -1 : 0; }

// Marks the tiles of a lap that have a kerb: those of sharp turns and the few before each.
void find_kerbs(std::span<const Node> lap, std::span<bool> has_kerb) noexcept {
  const std::size_t count = lap.size();
  const auto before = [count](std::size_t i, std::size_t tiles) { return i >= tiles ? i - tiles : i + count - tiles; };
  for (std::size_t i = 0; i < count; ++i) {
    bool is_sharp = true;
    double one_side = 0;
    for (std::size_t back = 0; back < kBorderMinCount; ++back) {
      const double turn = lap[before(i, back)].beta - lap[before(i, back + 1)].beta;
      is_sharp &= std::abs(turn) > kKerbTurn;
      one_side += sign(turn);
    }
    has_kerb[i] = is_sharp && std::abs(one_side) == kBorderMinCount;
  }
  // As in the game, marks are read while they are set, so that around the start they spread twice.
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t back = 0; back < kBorderMinCount; ++back) has_kerb[before(i, back)] |= has_kerb[i];
}

// A point of the centre line and the direction across the road.
struct Crossing {
  explicit Crossing(const Node& node) noexcept
      : x(node.x), y(node.y), across_x(std::cos(node.beta)), across_y(std::sin(node.beta)) {}

  [[nodiscard]] Point right(double distance) const noexcept {
    return {x + distance * across_x, y + distance * across_y};
  }
  [[nodiscard]] Point left(double distance) const noexcept {
    return {x - distance * across_x, y - distance * across_y};
  }

  double x;
  double y;
  double across_x;
  double across_y;
};

void lay_tiles(std::span<const Node> lap, std::span<const bool> has_kerb, Track& track) {
  track.nodes.assign(lap.begin(), lap.end());
  track.tiles.clear();
  track.kerbs.clear();
  Crossing last(lap.back());
  for (std::size_t i = 0; i < lap.size(); ++i) {
    const Crossing here(lap[i]);
    track.tiles.push_back(
        {here.left(kTrackWidth), here.right(kTrackWidth), last.right(kTrackWidth), last.left(kTrackWidth)});
    if (has_kerb[i]) {
      const double side = sign(lap[i == 0 ? lap.size() - 1 : i - 1].beta - lap[i].beta);
      const double inner = side * kTrackWidth;
      const double outer = side * (kTrackWidth + kBorder);
      track.kerbs.push_back({static_cast<std::int32_t>(i),
                             i % 2 == 0,
                             {here.right(inner), here.right(outer), last.right(outer), last.right(inner)}});
    }
    last = here;
  }
}

bool is_near_field(double coordinate) noexcept { return std::abs(coordinate) <= 2 * kPlayfield; }

bool is_small(const Quad& quad) noexcept {
  double square = 0;
  for (std::size_t i = 0; i < quad.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const double dx = quad[i].x - quad[j].x;
      const double dy = quad[i].y - quad[j].y;
      square = std::max(square, dx * dx + dy * dy);
    }
  return square <= Track::kMaxAcross * Track::kMaxAcross;
}

}  // namespace

bool are_nodes(std::span<const Node> nodes) noexcept {
  return nodes.size() > kBorderMinCount && nodes.size() <= kMaxNodes &&
         std::ranges::all_of(nodes, [](const Node& node) {
           return std::isfinite(node.alpha) && std::isfinite(node.beta) && is_near_field(node.x) &&
                  is_near_field(node.y);
         });
}

bool Track::is_drawable() const noexcept {
  return std::ranges::all_of(tiles, is_small) &&
         std::ranges::all_of(kerbs, [](const Kerb& kerb) { return is_small(kerb.corners); });
}

void build_track(std::span<const Node> nodes, Track& track) {
  assert(nodes.size() > kBorderMinCount && nodes.size() <= kMaxNodes);
  std::array<bool, kMaxNodes> marks;
  const std::span<bool> has_kerb{marks.data(), nodes.size()};
  find_kerbs(nodes, has_kerb);
  lay_tiles(nodes, has_kerb, track);
}

int create_track(Pcg64& random, Track& track) {
  std::array<Node, kMaxNodes> trace;
  for (int failed = 0;; ++failed) {
    const auto lap = closed_lap(drive(draw_checkpoints(random), trace));
    if (lap.empty()) continue;
    build_track(lap, track);
    return failed;
  }
}

}  // namespace apexline::racing
