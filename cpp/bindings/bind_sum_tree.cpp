#include <mutex>

#include "arrays.hpp"
#include "bindings.hpp"
#include "replay/sum_tree.hpp"

namespace apexline::bindings {
namespace {

// The tree and the lock that makes calls from many Python threads run one at a time while the GIL is released.
class LockedTree {
 public:
  LockedTree(std::int64_t capacity, std::uint64_t seed) : tree_(capacity, seed) {}

  template <class Work>
  auto with(Work&& work) {
    const py::gil_scoped_release released;
    const std::lock_guard lock(mutex_);
    return work(tree_);
  }

 private:
  std::mutex mutex_;
  SumTree tree_;
};

py::object get_item(LockedTree& self, const py::object& index) {
  const auto indices = index_array(index, "index");
  auto out = py::array_t<double>(Shape(indices.shape(), indices.shape() + indices.ndim()));
  const std::span<double> target{out.mutable_data(), static_cast<std::size_t>(out.size())};
  self.with([&](SumTree& tree) { tree.get(view(indices), target); });
  if (indices.ndim() == 0) return py::float_(target[0]);
  return out;
}

void set_item(LockedTree& self, const py::object& index, const py::object& priority) {
  const auto indices = index_array(index, "index");
  auto priorities = real_array<double>(priority, "priority");
  const Shape shape(indices.shape(), indices.shape() + indices.ndim());
  if (priorities.ndim() == 0)
    priorities = py::module_::import("numpy").attr("full")(py::cast(shape), priorities).cast<py::array_t<double>>();
  require_shape(priorities, "priority", shape);
  self.with([&](SumTree& tree) { tree.set(view(indices), view(priorities)); });
}

py::array_t<std::int64_t> sample(LockedTree& self, py::ssize_t n, const py::object& out) {
  if (n < 1) throw py::value_error(text("n is ", n, "; it must be >= 1"));
  py::array target =
      out.is_none() ? py::array_t<std::int64_t>(n) : output_array(out, "out", py::dtype::of<std::int64_t>(), {n});
  const std::span<std::int64_t> indices{data<std::int64_t>(target), static_cast<std::size_t>(n)};
  self.with([&](SumTree& tree) { tree.sample(indices); });
  return target;
}

py::tuple get_state(LockedTree& self) {
  return self.with([](SumTree& tree) {
    const py::gil_scoped_acquire acquired;
    const auto leaves = tree.leaves();
    return py::make_tuple(tree.seed(), tree.draws(),
                          py::array_t<double>(static_cast<py::ssize_t>(leaves.size()), leaves.data()));
  });
}

std::unique_ptr<LockedTree> set_state(const py::tuple& state) {
  if (state.size() != 3) throw py::value_error(text("state has ", state.size(), " items; expected 3"));
  const auto leaves = real_array<double>(state[2], "leaves");
  const auto draws = state[1].cast<std::uint64_t>();
  auto self = std::make_unique<LockedTree>(leaves.size(), state[0].cast<std::uint64_t>());
  std::vector<std::int64_t> indices(static_cast<std::size_t>(leaves.size()));
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<std::int64_t>(i);
  self->with([&](SumTree& tree) {
    tree.set(indices, view(leaves));
    tree.set_draws(draws);
  });
  return self;
}

}  // namespace

void bind_sum_tree(py::module_& module) {
  py::class_<LockedTree>(module, "SumTree", R"(Sums over priorities, for drawing indices in proportion to them.

Schaul et al., "Prioritized Experience Replay" (2016), appendix B.2.1. Leaves and sums are float64. A parent is
always recomputed from its children in a fixed order: after any history the tree equals, bit for bit, one built
afresh from its leaves. An index of priority zero is never returned. Safe to call from many threads; calls run one
at a time and release the GIL.

Args:
    capacity: number of leaves, from 1 to 2**40; they start at zero.
    seed: seed of the random stream that `sample` draws from.

Raises:
    ValueError: capacity is out of range.)")
      .def(py::init<std::int64_t, std::uint64_t>(), py::arg("capacity"), py::arg("seed") = 0)
      .def("__len__", [](LockedTree& self) { return self.with([](SumTree& tree) { return tree.capacity(); }); })
      .def("__getitem__", &get_item, py::arg("index"),
           "Priority of an index (a float), or of an integer array of indices (a float64 array of its shape).\n\n"
           "Raises IndexError for an index out of range and TypeError for one that is not an integer.")
      .def("__setitem__", &set_item, py::arg("index"), py::arg("priority"),
           "Sets one priority or an array of them; of equal indices the last wins.\n\n"
           "Raises IndexError for an index out of range, ValueError for a priority that is NaN, infinite, negative\n"
           "or above 1e290, both naming the place. The tree is then unchanged.")
      .def_property_readonly(
          "total", [](LockedTree& self) { return self.with([](SumTree& tree) { return tree.total(); }); },
          "Sum of all priorities.")
      .def(
          "min", [](LockedTree& self) { return self.with([](SumTree& tree) { return tree.min(); }); },
          "Smallest positive priority; reads every leaf. Raises ValueError where all are zero.")
      .def(
          "max", [](LockedTree& self) { return self.with([](SumTree& tree) { return tree.max(); }); },
          "Largest priority; reads every leaf. Raises ValueError where all are zero.")
      .def(
          "find",
          [](LockedTree& self, double mass) { return self.with([&](SumTree& tree) { return tree.find(mass); }); },
          py::arg("mass"),
          "First index whose cumulative sum is greater than `mass`.\n\n"
          "Raises ValueError unless 0 <= mass < total.")
      .def("sample", &sample, py::arg("n"), py::arg("out") = py::none(),
           "Draws n indices (n,) int64 in proportion to their priorities, one from each of n equal parts of the\n"
           "total (stratified). `out` may give the array to write into.\n\n"
           "Raises ValueError where n < 1 or every priority is zero.")
      .def(
          "clear", [](LockedTree& self) { self.with([](SumTree& tree) { tree.clear(); }); },
          "Sets every priority to zero; the random stream goes on.")
      .def(py::pickle(&get_state, &set_state));
}

}  // namespace apexline::bindings
