#include "env_ids.hpp"

#include <algorithm>

namespace apexline::bindings {

std::vector<std::uint32_t> EnvIds::read(const py::object& env_ids) {
  if (env_ids.is_none()) return {};
  const auto values = index_array(env_ids, "env_ids");
  if (values.ndim() != 1 || values.size() == 0)
    throw py::value_error(text("env_ids has shape ",
                               shape_text(values.shape(), static_cast<std::size_t>(values.ndim())),
                               "; expected (n,) with n >= 1"));
  const std::vector<std::int64_t> envs = copied(values);
  const auto num_envs = static_cast<std::int64_t>(is_listed_.size());
  const auto out_of_range = std::ranges::find_if(envs, [=](std::int64_t env) { return env < 0 || env >= num_envs; });
  if (out_of_range != envs.end())
    throw py::index_error(
        text("env_ids[", out_of_range - envs.begin(), "] is ", *out_of_range, "; expected 0 to ", num_envs - 1));
  std::vector<std::uint32_t> listed;
  for (const std::int64_t env : envs) {
    if (is_listed_[static_cast<std::size_t>(env)] != 0) break;
    is_listed_[static_cast<std::size_t>(env)] = 1;
    listed.push_back(static_cast<std::uint32_t>(env));
  }
  for (const std::uint32_t env : listed) is_listed_[env] = 0;
  if (listed.size() < envs.size())
    throw py::value_error(text("env_ids[", listed.size(), "] is ", envs[listed.size()],
                               ", which is listed before; expected each environment at most once"));
  return listed;
}

}  // namespace apexline::bindings
