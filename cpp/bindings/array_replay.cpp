#include "array_replay.hpp"

#include <limits>
#include <utility>

#include "gil.hpp"

namespace apexline::bindings {
namespace {

Shape batched(py::ssize_t count, const Shape& shape) {
  Shape out{count};
  out.insert(out.end(), shape.begin(), shape.end());
  return out;
}

py::ssize_t rows_of(const py::array& array, const char* name) {
  const auto ndim = static_cast<std::size_t>(array.ndim());
  if (ndim != 1) throw py::value_error(text(name, " has shape ", shape_text(array.shape(), ndim), "; expected (n,)"));
  return array.shape(0);
}

}  // namespace

py::dict state_values(const ReplayState& state) {
  py::list rings;
  for (const RingCounters& ring : state.rings)
    rings.append(py::make_tuple(ring.head, ring.first, ring.next_in_episode, ring.episodes, ring.evicted));
  py::dict out;
  out["seed"] = state.seed;
  out["draws"] = state.draws;
  out["batches"] = state.batches;
  out["stale_updates"] = state.stale_updates;
  out["max_priority"] = state.max_priority;
  out["rings"] = rings;
  out["priorities"] = py::array_t<double>(static_cast<py::ssize_t>(state.priorities.size()), state.priorities.data());
  return out;
}

ArrayReplay::ArrayReplay(ReplayConfig config, Shape frame_shape, py::dtype frame_dtype, std::vector<Field> fields)
    : replay_(std::make_shared<PrioritizedReplay>(std::move(config))),
      frame_shape_(std::move(frame_shape)),
      frame_dtype_(std::move(frame_dtype)),
      fields_(std::move(fields)) {}

void ArrayReplay::add(const py::object& frames, const py::sequence& fields, const py::object& rewards,
                      const py::object& terminated, const py::object& truncated, const py::object& final_frames,
                      const py::object& mask) {
  const auto num_envs = static_cast<py::ssize_t>(core().config().num_envs);
  const auto boolean = py::dtype::of<bool>();
  const Shape frames_shape = batched(num_envs, frame_shape_);
  const auto frame_array = exact_array(frames, "frames", frame_dtype_, frames_shape);
  StepBatch batch{data<std::byte>(frame_array), {}, nullptr, nullptr, nullptr, nullptr, nullptr};
  std::optional<py::array> mask_array;
  if (!mask.is_none()) {
    mask_array = exact_array(mask, "mask", boolean, {num_envs});
    batch.mask = data<bool>(std::as_const(*mask_array));
  }
  if (py::len(fields) != fields_.size())
    throw py::value_error(text("the number of fields is ", py::len(fields), "; expected ", fields_.size()));
  std::vector<py::array> kept;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Field& field = fields_[i];
    const Shape field_shape = batched(num_envs, field.shape);
    kept.push_back(converted_array(fields[i], field.argument.c_str(), field.dtype, field_shape, mask_array));
    batch.fields.push_back(data<std::byte>(std::as_const(kept.back())));
  }
  // What is checked for NaN is copied first: another thread may write into the caller's arrays during the call.
  const auto actions_size = static_cast<std::size_t>(kept[0].nbytes());
  const std::vector<std::byte> actions(batch.fields[0], batch.fields[0] + actions_size);
  batch.fields[0] = actions.data();
  const auto reward_array = real_array<float>(rewards, "rewards");
  require_shape(reward_array, "rewards", {num_envs});
  const auto terminated_array = exact_array(terminated, "terminated", boolean, {num_envs});
  const auto truncated_array = exact_array(truncated, "truncated", boolean, {num_envs});
  const std::vector<float> reward_values = copied(reward_array);
  batch.rewards = reward_values.data();
  batch.terminated = data<bool>(terminated_array);
  batch.truncated = data<bool>(truncated_array);
  py::array final_array;
  if (!final_frames.is_none()) {
    final_array = exact_array(final_frames, "final_frames", frame_dtype_, frames_shape);
    batch.final_frames = data<std::byte>(std::as_const(final_array));
  }
  const GilReleased released;
  core().add(batch);
}

void ArrayReplay::cut_episodes(const py::object& mask) {
  py::array envs;
  if (!mask.is_none()) envs = exact_array(mask, "mask", py::dtype::of<bool>(), {core().config().num_envs});
  const bool* chosen = mask.is_none() ? nullptr : data<bool>(std::as_const(envs));
  const GilReleased released;
  core().cut_episodes(chosen);
}

void ArrayReplay::sample(double beta, int shift, const py::object& obs, const py::object& action,
                         const py::object& reward, const py::object& discount, const py::object& next_obs,
                         const py::object& weights, const py::object& indices, const py::dict& extras) {
  const BatchTarget target = arrays_of(obs, action, reward, discount, next_obs, weights, indices, extras);
  const GilReleased released;
  core().gather(core().draw(beta, shift, target.out), target.out);
}

BatchTarget ArrayReplay::arrays_of(const py::object& obs, const py::object& action, const py::object& reward,
                                   const py::object& discount, const py::object& next_obs, const py::object& weights,
                                   const py::object& indices, const py::dict& extras) {
  if (!py::isinstance<py::array>(indices)) throw py::type_error("out.indices is no array; expected a NumPy array");
  const py::ssize_t size = rows_of(py::reinterpret_borrow<py::array>(indices), "out.indices");
  if (size < 1) throw py::value_error(text("batch_size is ", size, "; expected >= 1"));
  const auto single = py::dtype::of<float>();
  const Shape stacked = batched(size, batched(core().config().frame_stack, frame_shape_));
  auto obs_array = output_array(obs, "out.obs", frame_dtype_, stacked);
  auto next_array = output_array(next_obs, "out.next_obs", frame_dtype_, stacked);
  auto reward_array = output_array(reward, "out.reward", single, {size});
  auto discount_array = output_array(discount, "out.discount", single, {size});
  auto weight_array = output_array(weights, "out.weights", single, {size});
  auto index_out = output_array(indices, "out.indices", py::dtype::of<std::int64_t>(), {size});
  BatchTarget target{{size,
                      data<std::byte>(obs_array),
                      {},
                      data<float>(reward_array),
                      data<float>(discount_array),
                      data<std::byte>(next_array),
                      data<float>(weight_array),
                      data<std::int64_t>(index_out)},
                     {obs_array, next_array, reward_array, discount_array, weight_array, index_out}};
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Field& field = fields_[i];
    const py::str name(field.name);
    if (i > 0 && !extras.contains(name))
      throw py::value_error(text("out.extras has no field '", field.name, "'; expected the fields of empty_batch"));
    const py::object given = i == 0 ? action : py::object(extras[name]);
    auto array = output_array(given, field.out.c_str(), field.dtype, batched(size, field.shape));
    target.out.fields.push_back(data<std::byte>(array));
    target.arrays.push_back(std::move(array));
  }
  return target;
}

std::int64_t ArrayReplay::update_priorities(const py::object& indices, const py::object& td_errors) {
  const auto handles = index_array(indices, "indices");
  const auto errors = real_array<double>(td_errors, "td_errors");
  require_shape(errors, "td_errors", Shape(handles.shape(), handles.shape() + handles.ndim()));
  const GilReleased released;
  return core().update_priorities(copied(handles), copied(errors));
}

py::tuple ArrayReplay::read_slots(std::int64_t env, std::int64_t begin, std::int64_t end) {
  core().require_stored(env, begin, end);
  const SlotsOut slots = empty_slots(end - begin);
  {
    const GilReleased released;
    core().read_slots(env, begin, end, slots.out);
  }
  return slots.arrays;
}

SlotsOut ArrayReplay::empty_slots(std::int64_t count) const {
  const auto rows = static_cast<py::ssize_t>(count);
  py::array frames(frame_dtype_, batched(rows, frame_shape_));
  py::list fields;
  py::array_t<float> rewards(rows);
  py::array_t<std::uint32_t> in_episode(rows);
  py::array_t<std::uint8_t> flags(rows);
  SlotArrays out{data<std::byte>(frames), {}, rewards.mutable_data(), in_episode.mutable_data(), flags.mutable_data()};
  for (const Field& field : fields_) {
    py::array values(field.dtype, batched(rows, field.shape));
    out.fields.push_back(data<std::byte>(values));
    fields.append(values);
  }
  return {std::move(out), py::make_tuple(frames, fields, rewards, in_episode, flags)};
}

void ArrayReplay::write_slots(std::int64_t env, std::int64_t begin, const py::object& frames,
                              const py::sequence& fields, const py::object& rewards, const py::object& in_episode,
                              const py::object& flags) {
  const py::ssize_t count = rows_of(as_array(rewards), "rewards");
  if (begin < 0 || begin > std::numeric_limits<std::int64_t>::max() - count)
    throw py::index_error(text("begin is ", begin, "; expected the position of a stored slot"));
  const auto frame_array = exact_array(frames, "frames", frame_dtype_, batched(count, frame_shape_));
  const auto reward_array = exact_array(rewards, "rewards", py::dtype::of<float>(), {count});
  const auto in_episode_array = exact_array(in_episode, "in_episode", py::dtype::of<std::uint32_t>(), {count});
  const auto flag_array = exact_array(flags, "flags", py::dtype::of<std::uint8_t>(), {count});
  if (py::len(fields) != fields_.size())
    throw py::value_error(text("the number of fields is ", py::len(fields), "; expected ", fields_.size()));
  std::vector<py::array> kept;
  SlotSource slots{data<std::byte>(frame_array),
                   {},
                   data<float>(reward_array),
                   data<std::uint32_t>(in_episode_array),
                   data<std::uint8_t>(flag_array)};
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    kept.push_back(exact_array(fields[i], fields_[i].name.c_str(), fields_[i].dtype, batched(count, fields_[i].shape)));
    slots.fields.push_back(data<std::byte>(std::as_const(kept.back())));
  }
  const GilReleased released;
  core().write_slots(env, begin, begin + count, slots);
}

}  // namespace apexline::bindings
