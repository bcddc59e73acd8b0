// Prints a digest of all outputs of a run of adds, draws and updates; exits with 77 if the variant in APEXLINE_ISA is not
// supported.
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "digest.hpp"
#include "replays.hpp"

using namespace apexline;
using namespace apexline::test;

namespace {

void add(Digest& digest, const std::vector<Batch>& batches) {
  for (const Batch& batch : batches) {
    digest.add(batch.obs), digest.add(batch.next_obs), digest.add(batch.reward), digest.add(batch.discount);
    digest.add(batch.weights), digest.add(batch.indices);
    for (const auto& field : batch.fields) digest.add(field);
  }
}

}  // namespace

int main() {
  try {
    static_cast<void>(chosen_isa());
  } catch (const std::invalid_argument&) {
    return 77;
  }
  Digest digest;
  add(digest, history(config_with(2), 250, 40));
  add(digest, history(wide_config_with(2), 25, 40));
  std::printf("%016llx", static_cast<unsigned long long>(digest.hash()));
}
