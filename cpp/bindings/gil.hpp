// Releases Python's global interpreter lock within a scope.
#pragma once

#include <pybind11/pybind11.h>

// Only there an ended thread is unwound as by an exception.
#if defined(__GLIBCXX__) && defined(__linux__)
#define APEXLINE_FORCED_UNWIND
#include <cxxabi.h>
#include <unistd.h>
#endif

namespace apexline::bindings {

// As pybind11::gil_scoped_release, except for a daemon thread whose call ends while the interpreter exits: it sleeps until
// the process has ended, as in Python 3.14. Earlier versions of Python end such a thread by pthread_exit, whose unwinding
// aborts the process at the first destructor.
class GilReleased {
 public:
  GilReleased() : thread_(PyEval_SaveThread()) {}
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;

#ifdef APEXLINE_FORCED_UNWIND
  [[gnu::no_sanitize("undefined")]]  // the reference to a forced unwinding is null
#endif
  ~GilReleased() {
#ifdef APEXLINE_FORCED_UNWIND
    try {
      PyEval_RestoreThread(thread_);
    } catch (const abi::__forced_unwind&) {
      for (;;) pause();  // never leaves the handler, which would have to rethrow
    }
#else
    PyEval_RestoreThread(thread_);
#endif
  }

 private:
  PyThreadState* thread_;
};

}  // namespace apexline::bindings
