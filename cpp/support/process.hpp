// The number of this process, by which an object notices that it is in a forked child.
#pragma once

#ifdef _WIN32
#include <process.h>
#else
#include <unistd.h>
#endif

namespace apexline {

using ProcessId = int;

[[nodiscard]] inline ProcessId process_id() noexcept {
#ifdef _WIN32
  return _getpid();  // Windows does not fork: always the number of the start
#else
  static_assert(sizeof(pid_t) <= sizeof(ProcessId));
  return getpid();
#endif
}

}  // namespace apexline
