// How many threads are worth starting.
#pragma once

#include <filesystem>

namespace apexline {

// Processors this process may use, at least 1: those of its affinity mask, and no more than its CPU quota (Linux
// control groups, version 1 or 2) allows it in the long run.
[[nodiscard]] int available_processors() noexcept;

// The quota of the groups that `memberships`, a file like /proc/self/cgroup, names below `root`, in processors rounded
// up; 0 where there is none. The tightest of a group and all its parents counts.
[[nodiscard]] int quota_processors(const std::filesystem::path& memberships, const std::filesystem::path& root);

}  // namespace apexline
