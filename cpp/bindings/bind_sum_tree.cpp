#include <mutex>
#include <new>

#include "arrays.hpp"
#include "bindings.hpp"
#include "constructed.hpp"
#include "gil.hpp"
#include "replay/sum_tree.hpp"

namespace apexline::bindings {
namespace {

// A tree with a lock, so that calls without the GIL run one at a time.
class LockedTree : public NeverUnconstructed {
 public:
  LockedTree(std::int64_t capacity, std::uint64_t seed) : tree_(capacity, seed) {}

  template <class Work>
  auto with(Work&& work) {
    const GilReleased released;
    const std::lock_guard lock(mutex_);
    return work(tree_);
  }

 private:
  std::mutex mutex_;
  SumTree tree_;
};

template <class T>
T number_from(const py::object& value, const char* name, const char* expected) {
  try {
    return value.cast<T>();
  } catch (const py::cast_error&) {
    throw py::type_error(text(name, " is ", py::repr(value).cast<std::string>(), "; expected ", expected));
  }
}

py::object get_item(LockedTree& self, const py::object& index) {
  const auto indices = index_array(index, "indices");
  auto out = py::array_t<double>(Shape(indices.shape(), indices.shape() + indices.ndim()));
  const std::span<double> target{out.mutable_data(), static_cast<std::size_t>(out.size())};
  self.with([&](SumTree& tree) { tree.get(copied(indices), target); });
  if (indices.ndim() == 0) return py::float_(target[0]);
  return out;
}

void set_item(LockedTree& self, const py::object& index, const py::object& priority) {
  const auto indices = index_array(index, "indices");
  auto priorities = real_array<double>(priority, "priorities");
  const Shape shape(indices.shape(), indices.shape() + indices.ndim());
  if (priorities.ndim() == 0)
    priorities = py::module_::import("numpy").attr("full")(py::cast(shape), priorities).cast<py::array_t<double>>();
  require_shape(priorities, "priorities", shape);
  self.with([&](SumTree& tree) { tree.set(copied(indices), copied(priorities)); });
}

py::array_t<std::int64_t> sample(LockedTree& self, const py::object& count, const py::object& out) {
  const auto n = number_from<py::ssize_t>(count, "n", "an integer");
  if (n < 1) throw py::value_error(text("n is ", n, "; expected >= 1"));
  py::array target =
      out.is_none() ? py::array_t<std::int64_t>(n) : output_array(out, "out", py::dtype::of<std::int64_t>(), {n});
  const std::span<std::int64_t> indices{data<std::int64_t>(target), static_cast<std::size_t>(n)};
  self.with([&](SumTree& tree) { tree.sample(indices); });
  return target;
}

py::tuple get_state(LockedTree& self) {
  std::uint64_t seed = 0;
  std::uint64_t draws = 0;
  std::vector<double> leaves;
  self.with([&](SumTree& tree) {
    seed = tree.seed();
    draws = tree.draws();
    leaves.assign(tree.leaves().begin(), tree.leaves().end());
  });
  return py::make_tuple(seed, draws, py::array_t<double>(static_cast<py::ssize_t>(leaves.size()), leaves.data()));
}

std::unique_ptr<LockedTree> make_tree(std::int64_t capacity, std::uint64_t seed) {
  try {
    return construct<LockedTree>(capacity, seed);
  } catch (const std::bad_alloc&) {
    refuse_memory(text("capacity is ", capacity, "; expected a number for which the system has memory"));
  }
}

std::unique_ptr<LockedTree> set_state(const py::object& pickled) {
  if (!py::isinstance<py::tuple>(pickled) || py::len(pickled) != 3)
    throw py::value_error(text("the state is of type ", py::type::of(pickled).attr("__name__").cast<std::string>(),
                               "; expected a tuple of seed, draws and priorities"));
  const py::tuple state = pickled;
  constexpr const char* unsigned_integer = "an integer from 0 to 2^64 - 1";
  const auto seed = number_from<std::uint64_t>(state[0], "the seed of the state", unsigned_integer);
  const auto draws = number_from<std::uint64_t>(state[1], "the number of draws of the state", unsigned_integer);
  const auto array = real_array<double>(state[2], "priorities");
  require_shape(array, "priorities", {array.size()});
  const std::vector<double> leaves = copied(array);
  auto self = make_tree(array.size(), seed);
  std::vector<std::int64_t> indices(leaves.size());
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<std::int64_t>(i);
  self->with([&](SumTree& tree) {
    tree.set(indices, leaves);
    tree.set_draws(draws);
  });
  return self;
}

}  // namespace

void bind_sum_tree(py::module_& module) {
  py::class_<LockedTree>(module, "SumTree", "Core of apexline.SumTree, which documents it.")
      .def(py::init(&make_tree), integer("capacity"), py::arg("seed") = 0)
      .def("__len__", [](LockedTree& self) { return self.with([](SumTree& tree) { return tree.capacity(); }); })
      .def("__getitem__", &get_item, py::arg("index"),
           "Priority of one index (float), or of an integer array of indices (float64 array of its shape).\n\n"
           "Raises:\n"
           "    IndexError: an index is out of range.\n"
           "    TypeError: an index is no integer.")
      .def("__setitem__", &set_item, py::arg("index"), py::arg("priority"),
           "Sets one priority or an array of them; of equal indices the last one counts.\n\n"
           "Raises:\n"
           "    IndexError: an index is out of range.\n"
           "    ValueError: a priority is NaN, negative or above 1e290, or the shapes differ. Nothing changes then.\n"
           "    TypeError: an index is no integer or a priority no real number.")
      .def_property_readonly(
          "seed", [](LockedTree& self) { return self.with([](SumTree& tree) { return tree.seed(); }); },
          "Seed of the random stream of `sample`.")
      .def_property_readonly(
          "total", [](LockedTree& self) { return self.with([](SumTree& tree) { return tree.total(); }); },
          "Sum of all priorities.")
      .def(
          "min", [](LockedTree& self) { return self.with([](SumTree& tree) { return tree.min(); }); },
          "Smallest positive priority; reads every leaf.\n\n"
          "Raises:\n"
          "    ValueError: all priorities are zero.")
      .def(
          "max", [](LockedTree& self) { return self.with([](SumTree& tree) { return tree.max(); }); },
          "Largest priority; reads every leaf.\n\n"
          "Raises:\n"
          "    ValueError: all priorities are zero.")
      .def(
          "find",
          [](LockedTree& self, const py::object& mass) {
            const auto number = number_from<double>(mass, "mass", "a number");
            return self.with([&](SumTree& tree) { return tree.find(number); });
          },
          py::arg("mass"),
          "First index whose cumulative sum is greater than `mass`.\n\n"
          "Raises:\n"
          "    ValueError: `mass` is negative or not less than the total.")
      .def("sample", &sample, py::arg("n"), py::arg("out") = py::none(),
           "Samples n indices in proportion to their priorities, one from each of n equal parts of the total\n"
           "(stratified, with replacement).\n\n"
           "Args:\n"
           "    n: number of indices, at least 1.\n"
           "    out: int64 array `(n,)` to write into; None allocates one.\n\n"
           "Returns:\n"
           "    Indices `(n,)` int64, ascending.\n\n"
           "Raises:\n"
           "    ValueError: n is out of range, all priorities are zero, or `out` has the wrong shape.\n"
           "    TypeError: `out` has the wrong dtype.")
      .def(
          "clear", [](LockedTree& self) { self.with([](SumTree& tree) { tree.clear(); }); },
          "Sets all priorities to zero; the random stream continues.")
      .def(py::pickle(&get_state, &set_state));
}

}  // namespace apexline::bindings
