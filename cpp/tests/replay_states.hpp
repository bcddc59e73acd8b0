// Comparison and copies of the states of replays.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "replay/prioritized_replay.hpp"

namespace apexline::test {

inline bool same(const RingCounters& a, const RingCounters& b) {
  return a.head == b.head && a.first == b.first && a.next_in_episode == b.next_in_episode && a.episodes == b.episodes &&
         a.evicted == b.evicted;
}

inline bool same(const ReplayState& a, const ReplayState& b) {
  return a.seed == b.seed && a.draws == b.draws && a.batches == b.batches && a.stale_updates == b.stale_updates &&
         a.max_priority == b.max_priority && a.priorities == b.priorities &&
         std::ranges::equal(a.rings, b.rings, [](const auto& x, const auto& y) { return same(x, y); });
}

// Slots of one environment.
struct Slots {
  Slots(const ReplayConfig& config, std::int64_t count)
      : rows(static_cast<std::size_t>(count)),
        frames(rows * config.geometry.bytes()),
        rewards(rows),
        in_episode(rows),
        flags(rows) {
    for (const std::size_t bytes : config.field_bytes) fields.emplace_back(rows * bytes);
  }
  SlotArrays arrays() {
    SlotArrays out{frames.data(), {}, rewards.data(), in_episode.data(), flags.data()};
    for (auto& field : fields) out.fields.push_back(field.data());
    return out;
  }
  SlotSource source() const {
    SlotSource from{frames.data(), {}, rewards.data(), in_episode.data(), flags.data()};
    for (const auto& field : fields) from.fields.push_back(field.data());
    return from;
  }
  bool operator==(const Slots&) const = default;

  std::size_t rows;
  std::vector<std::byte> frames;
  std::vector<std::vector<std::byte>> fields;
  std::vector<float> rewards;
  std::vector<std::uint32_t> in_episode;
  std::vector<std::uint8_t> flags;
};

inline std::int64_t tail_of(const PrioritizedReplay& replay, const RingCounters& ring) {
  return std::max(ring.first, ring.head - replay.config().capacity / replay.config().num_envs);
}

inline Slots slots_of(const PrioritizedReplay& replay, std::int64_t env) {
  const RingCounters counters = replay.state().rings[static_cast<std::size_t>(env)];
  const std::int64_t tail = tail_of(replay, counters);
  Slots slots(replay.config(), counters.head - tail);
  replay.read_slots(env, tail, counters.head, slots.arrays());
  return slots;
}

// Copies a replay's state and slots, a few at a time, into a new replay; `spoil` may change the state.
template <class Spoil>
inline void copy_into(const PrioritizedReplay& from, PrioritizedReplay& to, const Spoil& spoil) {
  constexpr std::int64_t piece = 17;
  ReplayState state = from.state();
  spoil(state);
  to.restore(state);
  for (std::int64_t env = 0; env < from.config().num_envs; ++env) {
    const RingCounters counters = from.state().rings[static_cast<std::size_t>(env)];
    for (std::int64_t begin = tail_of(from, counters); begin < counters.head; begin += piece) {
      const std::int64_t end = std::min(begin + piece, counters.head);
      Slots slots(from.config(), end - begin);
      from.read_slots(env, begin, end, slots.arrays());
      to.write_slots(env, begin, end, slots.source());
    }
  }
}

inline void copy_into(const PrioritizedReplay& from, PrioritizedReplay& to) {
  copy_into(from, to, [](ReplayState&) {});
}

}  // namespace apexline::test
