// Stacks of frames against a list of frames that is concatenated byte by byte.
#include "racing/render/frame_stacks.hpp"

#include <deque>
#include <random>
#include <vector>

#include "check.hpp"
#include "variants.hpp"

namespace apexline::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes concatenated(const std::deque<Bytes>& frames, std::size_t chunk) {
  Bytes out;
  for (std::size_t place = 0; place < frames[0].size(); place += chunk)
    for (const Bytes& frame : frames)
      out.insert(out.end(), frame.begin() + static_cast<std::ptrdiff_t>(place),
                 frame.begin() + static_cast<std::ptrdiff_t>(place + chunk));
  return out;
}

Bytes written(const racing::FrameStacks& stacks, std::size_t env) {
  Bytes out(stacks.bytes());
  stacks.write(env, out.data());
  return out;
}

void push(racing::FrameStacks& stacks, std::size_t env, const Bytes& frame) {
  std::copy(frame.begin(), frame.end(), stacks.push(env));
}

// Random pushes and episodes of two environments, with frames of `pixels` x `channels`.
void compare_with_list(Isa isa, std::size_t depth, std::size_t pixels, std::size_t channels, bool channels_last) {
  const std::size_t size = pixels * channels;
  const std::size_t chunk = channels_last ? channels : size;
  racing::FrameStacks stacks(2, depth, size, chunk, racing::stack_kernels(isa));
  CHECK(stacks.bytes() == depth * size);
  std::vector<std::deque<Bytes>> model(2, std::deque<Bytes>(depth, Bytes(size, 0)));
  std::mt19937 random(static_cast<unsigned>(depth));
  for (int turn = 0; turn < 40; ++turn) {
    const std::size_t env = random() % 2;
    Bytes frame(size);
    for (std::uint8_t& byte : frame) byte = static_cast<std::uint8_t>(random());
    push(stacks, env, frame);
    model[env].pop_front();
    model[env].push_back(frame);
    if (random() % 7 == 0) {
      stacks.repeat_newest(env);
      model[env].assign(depth, frame);
    }
    for (const std::size_t each : {0U, 1U}) {
      CHECK(written(stacks, each) == concatenated(model[each], chunk));
      CHECK(stacks.save(each) == concatenated(model[each], size));
    }
  }
}

TEST(stacks_are_concatenated_frames) {
  for (const Isa isa : supported_isas())
    for (const std::size_t depth : {1U, 2U, 3U, 4U, 5U, 9U})
      for (const std::size_t pixels : {1U, 2U, 9U, 10U, 11U, 17U, 18U, 65U})
        for (const std::size_t channels : {1U, 3U})
          for (const bool channels_last : {false, true}) compare_with_list(isa, depth, pixels, channels, channels_last);
}

TEST(loaded_frames_continue) {
  racing::FrameStacks stacks(1, 3, 6, 3);
  racing::FrameStacks other(2, 3, 6, 3);
  for (std::uint8_t value = 1; value < 5; ++value) push(stacks, 0, Bytes(6, value));
  push(other, 1, Bytes(6, 9));
  other.load(1, stacks.save(0));
  CHECK(written(other, 1) == written(stacks, 0));
  push(stacks, 0, Bytes(6, 5));
  push(other, 1, Bytes(6, 5));
  CHECK(written(other, 1) == written(stacks, 0));
  CHECK(written(other, 0) == Bytes(18, 0));
}

}  // namespace
}  // namespace apexline::test
