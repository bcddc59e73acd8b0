#include "replay/kernels/tree_loops.hpp"

namespace apexline {
namespace {

class PortableNode {
 public:
  void load(const double* c) noexcept {
    double ones[kFanOut];
    double twos[kFanOut];
    for (std::size_t i = 0; i < kFanOut; ++i) ones[i] = i < 1 ? c[i] : c[i] + c[i - 1];
    for (std::size_t i = 0; i < kFanOut; ++i) twos[i] = i < 2 ? ones[i] : ones[i] + ones[i - 2];
    for (std::size_t i = 0; i < kFanOut; ++i) prefix_[1 + i] = i < 4 ? twos[i] : twos[i] + twos[i - 4];
    positive_ = 0;
    for (unsigned i = 0; i < kFanOut; ++i) positive_ |= static_cast<unsigned>(c[i] > 0) << i;
  }

  unsigned descend(double& mass) const noexcept {
    unsigned below = 0;
    for (unsigned i = 0; i < kFanOut; ++i) below |= static_cast<unsigned>(mass < prefix_[1 + i]) << i;
    const unsigned child = choose_child(below, positive_);
    mass = left_of(mass, prefix_[child]);
    return child;
  }

  static double sum(const double* c) noexcept {
    return ((c[0] + c[1]) + (c[2] + c[3])) + ((c[4] + c[5]) + (c[6] + c[7]));
  }

 private:
  double prefix_[1 + kFanOut] = {};  // inclusive prefix sums, preceded by a zero
  unsigned positive_ = 0;
};

}  // namespace

constinit const TreeKernels TreeKernels::kPortable = kernels_of<PortableNode>();

}  // namespace apexline
