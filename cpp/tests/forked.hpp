// Runs code in a forked child. The thread sanitizer does not support a fork of a process with threads, so
// APEXLINE_TEST_FORKS is not defined under it.
#pragma once

#if !defined(__SANITIZE_THREAD__)
#define APEXLINE_TEST_FORKS

#include <sys/wait.h>
#include <unistd.h>

namespace apexline::test {

// Whether `body` returns true in a forked child. An alarm ends a child that hangs.
template <class Body>
bool holds_in_child(Body&& body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(body() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace apexline::test

#endif
