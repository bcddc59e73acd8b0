// Prints a digest of everything that a run of adds, draws and updates gives out; leaves with 77 where the variant that
// APEXLINE_ISA names is lacking.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <stdexcept>
#include <vector>

#include "replays.hpp"

using namespace apexline;
using namespace apexline::test;

namespace {

// FNV-1a, eight bytes at a time.
class Digest {
 public:
  template <class T>
  void add(const std::vector<T>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, &bytes[i], std::min(sizeof(eight), bytes.size() - i));
      hash_ = (hash_ ^ eight) * 0x100000001B3;
    }
  }
  void add(const std::vector<Batch>& batches) {
    for (const Batch& batch : batches) {
      add(batch.obs), add(batch.next_obs), add(batch.reward), add(batch.discount), add(batch.weights);
      add(batch.indices);
      for (const auto& field : batch.fields) add(field);
    }
  }
  std::uint64_t hash() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325;
};

}  // namespace

int main() {
  try {
    static_cast<void>(chosen_isa());
  } catch (const std::invalid_argument&) {
    return 77;
  }
  Digest digest;
  digest.add(history(config_with(2), 250, 40));
  digest.add(history(wide_config_with(2), 25, 40));
  std::printf("%016llx", static_cast<unsigned long long>(digest.hash()));
}
