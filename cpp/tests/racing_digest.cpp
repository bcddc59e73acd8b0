// Prints a digest of all results of stepped and saved environments. Exits with 77 if the variant named by APEXLINE_ISA is
// not supported.
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
    TestWorld envs(options);
    envs.reset();
    Random random(1);
    const int num_steps = format.gray ? 40 : 12;
    for (int i = 0; i < num_steps; ++i) {
      auto actions = envs.actions();
      const Pedals wild = drive_wildly(random);
      actions[static_cast<std::size_t>(i / 5)] = {wild.steer, wild.gas, wild.brake};
      envs.step(actions);
      digest.add(envs.frames);
      for (std::size_t env = 0; env < 9; ++env) {
        digest.add(bytes_of(envs.reports[env]));
        digest.add(lane_bits(envs.world.block_of(env), env % racing::kLanes));
      }
    }
    for (std::size_t env = 0; env < 9; ++env) digest.add(envs.world.save(env));
  }
  std::printf("%016llx", static_cast<unsigned long long>(digest.hash()));
}
