// Prints a digest of everything that games give out while they are played and saved; leaves with 77 where the variant
// that APEXLINE_ISA names is lacking.
#include <cstdio>
#include <stdexcept>

#include "digest.hpp"
#include "worlds.hpp"

using namespace apexline;
using namespace apexline::test;

int main() {
  try {
    static_cast<void>(chosen_isa());
  } catch (const std::invalid_argument&) {
    return 77;
  }
  Digest digest;
  for (const racing::FrameFormat format :
       {racing::FrameFormat{false, false, 96, false}, racing::FrameFormat{true, true, 42, true}}) {
    racing::WorldOptions options = small_frames(9);
    options.format = format;
    options.game.domain_randomize = !format.gray;
    options.game.max_episode_frames = 25;
    Arcade arcade(options);
    arcade.reset();
    Random random(1);
    const int num_steps = format.gray ? 40 : 12;
    for (int i = 0; i < num_steps; ++i) {
      auto actions = arcade.actions();
      const Pedals wild = drive_wildly(random);
      actions[static_cast<std::size_t>(i / 5)] = {wild.steer, wild.gas, wild.brake};
      arcade.step(actions);
      digest.add(arcade.frames);
      for (std::size_t env = 0; env < 9; ++env) {
        digest.add(bytes_of(arcade.reports[env]));
        digest.add(lane_bits(arcade.world.block_of(env), env % racing::kLanes));
      }
    }
    for (std::size_t env = 0; env < 9; ++env) digest.add(arcade.world.save(env));
  }
  std::printf("%016llx", static_cast<unsigned long long>(digest.hash()));
}
