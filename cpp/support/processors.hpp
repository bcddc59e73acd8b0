// The number of processors that this process may use.
#pragma once

#include <filesystem>

namespace apexline {

// At least 1: the processors of the affinity mask, limited by the CPU quota (Linux control groups, version 1 or 2).
[[nodiscard]] int available_processors() noexcept;

// The CPU quota, in processors rounded up, of the control groups listed in `memberships` (a file like
// /proc/self/cgroup) below the folder `root`; 0 if there is none. It is the minimum over each group and its parents.
[[nodiscard]] int quota_processors(const std::filesystem::path& memberships, const std::filesystem::path& root);

}  // namespace apexline
