#include "support/processors.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace apexline {
namespace {

namespace fs = std::filesystem;

// "max" or a negative quota means no limit.
int processors_of(const std::string& quota, const std::string& period) {
  try {
    const double microseconds = std::stod(quota);
    const double of = std::stod(period);
    return microseconds > 0 && of > 0 ? static_cast<int>(std::min(std::ceil(microseconds / of), 1e6)) : 0;
  } catch (const std::exception&) {
    return 0;
  }
}

std::string words_of(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

int quota_of(const fs::path& group) {
  std::istringstream both(words_of(group / "cpu.max"));  // version 2
  std::string quota;
  std::string period;
  if (both >> quota >> period) return processors_of(quota, period);
  return processors_of(words_of(group / "cpu.cfs_quota_us"), words_of(group / "cpu.cfs_period_us"));  // version 1
}

int tightest(int a, int b) { return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b); }

// In a container the path may name a group that is only visible outside; then only the root's quota is found.
int quota_below(const fs::path& hierarchy, const std::string& path) {
  int quota = quota_of(hierarchy);
  fs::path group = hierarchy;
  for (const fs::path& name : fs::path(path).relative_path()) {
    group /= name;
    quota = tightest(quota, quota_of(group));
  }
  return quota;
}

bool lists_cpu(const std::string& controllers) {
  std::istringstream in(controllers);
  for (std::string name; std::getline(in, name, ',');)
    if (name == "cpu") return true;
  return false;
}

}  // namespace

// Lines are "hierarchy:controllers:path"; the one of version 2 is "0::path".
int quota_processors(const fs::path& memberships, const fs::path& root) {
  int quota = 0;
  std::ifstream in(memberships);
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty())
      quota = tightest(quota, quota_below(root, path));
    else if (lists_cpu(controllers))
      quota = tightest(quota, tightest(quota_below(root / "cpu", path), quota_below(root / controllers, path)));
  }
  return quota;
}

int available_processors() noexcept {
  int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) processors = std::max(1, CPU_COUNT(&set));
  try {
    const int quota = quota_processors("/proc/self/cgroup", "/sys/fs/cgroup");
    if (quota > 0) processors = std::min(processors, quota);
  } catch (const std::exception&) {  // unreadable files mean no limit
  }
#endif
  return processors;
}

}  // namespace apexline
