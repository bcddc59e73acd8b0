#include <pybind11/pybind11.h>

#include <string>

#include "bindings.hpp"
#include "support/cpu.hpp"
#include "support/processors.hpp"

#if defined(__clang__)
#define APEXLINE_COMPILER __VERSION__
#else
#define APEXLINE_COMPILER "GCC " __VERSION__
#endif

PYBIND11_MODULE(_core_of_main_interpreter, module) {
  using namespace apexline;
  namespace py = pybind11;
  module.doc() = "The C++ core of apexline. Private: import from apexline.";
  module.attr("__version__") = APEXLINE_VERSION;
  module.attr("compiler") = APEXLINE_COMPILER;
  module.def(
      "isa", [] { return std::string(name(chosen_isa())); },
      "Returns the instruction-set variant in use: portable, avx2 or avx512.\n\n"
      "The environment variable APEXLINE_ISA forces one; it is read once. Raises ValueError if it names none or one\n"
      "that this processor does not support.");
  module.def("available_processors", &available_processors,
             "Returns the number of processors this process may use: its affinity mask, limited by its CPU quota.");

  py::module_ replay = module.def_submodule("replay", "Core of apexline.replay.");
  bindings::bind_sum_tree(replay);
  bindings::bind_replay(replay);
  bindings::bind_prefetcher(replay);
  bindings::bind_replay_snapshot(replay);

  py::module_ racing = module.def_submodule("racing", "Core of apexline.racing.");
  bindings::bind_racing(racing);
}

// The import itself. pybind11 waits forever in a subinterpreter of Python 3.11, and NumPy does not support any.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core();

PyObject* PyInit__core() {
  if (PyInterpreterState_Get() == PyInterpreterState_Main()) return PyInit__core_of_main_interpreter();
  PyErr_SetString(PyExc_ImportError, "apexline was imported in a subinterpreter; expected the main interpreter");
  return nullptr;
}
