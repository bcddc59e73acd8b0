#include "support/processors.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "check.hpp"

using namespace apexline;

namespace fs = std::filesystem;

namespace {

// A fake /sys/fs/cgroup and a file of memberships.
class ControlGroups {
 public:
  ControlGroups() {
    std::string name = (fs::temp_directory_path() / "apexline-groups-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
    fs::create_directory(root());
  }
  ~ControlGroups() { fs::remove_all(folder_); }
  ControlGroups(const ControlGroups&) = delete;
  ControlGroups& operator=(const ControlGroups&) = delete;

  ControlGroups& file(const std::string& path, const std::string& contents) {
    fs::create_directories((root() / path).parent_path());
    std::ofstream(root() / path) << contents << '\n';
    return *this;
  }

  int quota(const std::string& memberships) const {
    std::ofstream(folder_ / "memberships") << memberships;
    return quota_processors(folder_ / "memberships", root());
  }

 private:
  fs::path root() const { return folder_ / "root"; }

  fs::path folder_;
};

constexpr const char* kOne = "4:cpu,cpuacct:/job\n3:memory:/elsewhere\n0::/\n";  // version 1 and an unused version 2

}  // namespace

TEST(at_least_one_processor_is_available) { CHECK(available_processors() >= 1); }

TEST(without_groups_there_is_no_quota) {
  const ControlGroups groups;
  CHECK(groups.quota("0::/job\n") == 0);
  CHECK(groups.quota(kOne) == 0);
  CHECK(groups.quota("") == 0);
  CHECK(quota_processors("/nowhere/memberships", "/nowhere") == 0);
}

TEST(version_2_is_quota_over_period_rounded_up) {
  CHECK(ControlGroups().file("job/cpu.max", "200000 100000").quota("0::/job\n") == 2);
  CHECK(ControlGroups().file("job/cpu.max", "200001 100000").quota("0::/job\n") == 3);
  CHECK(ControlGroups().file("job/cpu.max", "50000 100000").quota("0::/job\n") == 1);
  CHECK(ControlGroups().file("job/cpu.max", "75000 50000").quota("0::/job") == 2);
  CHECK(ControlGroups().file("cpu.max", "300000 100000").quota("0::/\n") == 3);
}

TEST(version_1_is_quota_over_period_rounded_up) {
  const auto quota = [](const std::string& folder, const std::string& of, const std::string& period) {
    return ControlGroups()
        .file(folder + "/job/cpu.cfs_quota_us", of)
        .file(folder + "/job/cpu.cfs_period_us", period)
        .quota(kOne);
  };
  for (const char* folder : {"cpu", "cpu,cpuacct"}) {
    CHECK(quota(folder, "400000", "100000") == 4);
    CHECK(quota(folder, "350000", "100000") == 4);
    CHECK(quota(folder, "-1", "100000") == 0);
  }
  CHECK(quota("cpuset", "400000", "100000") == 0);
}

TEST(no_limit_is_no_quota) {
  CHECK(ControlGroups().file("job/cpu.max", "max 100000").quota("0::/job\n") == 0);
  CHECK(ControlGroups().file("job/cpu.max", "max 100000").file("cpu.max", "200000 100000").quota("0::/job\n") == 2);
}

TEST(the_minimum_over_a_group_and_its_parents_counts) {
  ControlGroups groups;
  groups.file("cpu.max", "900000 100000").file("a/cpu.max", "300000 100000").file("a/b/cpu.max", "500000 100000");
  CHECK(groups.quota("0::/a/b\n") == 3);
  CHECK(groups.quota("0::/a\n") == 3);
  CHECK(groups.quota("0::/\n") == 9);
  CHECK(groups.quota("0::/a/b/c\n") == 3);
  CHECK(groups.file("a/b/c/cpu.max", "100000 100000").quota("0::/a/b/c\n") == 1);
  CHECK(groups.quota("0::/a/b\n") == 3);
}

// As in a container, whose group is the visible root.
TEST(a_path_that_does_not_exist_leaves_the_root) {
  CHECK(ControlGroups().file("cpu.max", "200000 100000").quota("0::/docker/0123\n") == 2);
  CHECK(ControlGroups()
            .file("cpu/cpu.cfs_quota_us", "200000")
            .file("cpu/cpu.cfs_period_us", "100000")
            .quota("4:cpu:/docker/0123\n") == 2);
}

TEST(the_minimum_over_both_versions_counts) {
  ControlGroups groups;
  groups.file("cpu/job/cpu.cfs_quota_us", "400000").file("cpu/job/cpu.cfs_period_us", "100000");
  CHECK(groups.file("cpu.max", "300000 100000").quota(kOne) == 3);
  CHECK(groups.file("cpu.max", "700000 100000").quota(kOne) == 4);
}

TEST(unreadable_files_are_no_quota) {
  for (const char* contents : {"", "two 100000", "200000", "200000 none", "200000 0", "-5 100000", "nan 100000"})
    CHECK(ControlGroups().file("job/cpu.max", contents).quota("0::/job\n") == 0);
  for (const char* memberships : {"nothing", "0:", ":", "::", "\n\n", "4:cpu", "4:cpuset:/job\n"})
    CHECK(ControlGroups().file("job/cpu.max", "200000 100000").quota(memberships) == 0);
}
