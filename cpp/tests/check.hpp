// A minimal test runner: TEST registers a body; CHECK and CHECK_THROWS report file and line of a failure.
#pragma once

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace apexline::test {

struct Case {
  const char* name;
  void (*body)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

inline bool register_case(const char* name, void (*body)()) {
  cases().push_back({name, body});
  return true;
}

inline int& failed_checks() {
  static int count = 0;
  return count;
}

inline void fail(const char* file, int line, const std::string& what) {
  std::printf("%s:%d: %s\n", file, line, what.c_str());
  ++failed_checks();
}

// Runs `body`; returns a description of the failure, empty if it threw an Error whose message contains `part`.
template <class Error, class Body>
std::string wrong_throw(Body&& body, const std::string& part) {
  try {
    body();
  } catch (const Error& error) {
    const std::string what = error.what();
    return what.find(part) != std::string::npos ? "" : "threw \"" + what + "\" without \"" + part + '"';
  } catch (const std::exception& error) {
    return std::string("threw another type: ") + error.what();
  }
  return "threw nothing";
}

inline int run_all() {
  int failed = 0;
  for (const Case& test : cases()) {
    const int before = failed_checks();
    try {
      test.body();
    } catch (const std::exception& error) {
      fail(test.name, 0, std::string("threw ") + error.what());
    }
    if (failed_checks() == before) continue;
    std::printf("FAILED %s\n", test.name);
    ++failed;
  }
  std::printf("%d passed, %d failed\n", static_cast<int>(cases().size()) - failed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace apexline::test

#define TEST(name)                                                                                    \
  static void name();                                                                                 \
  [[maybe_unused]] static const bool name##_registered = apexline::test::register_case(#name, &name); \
  static void name()

#define CHECK(...)                                                              \
  do {                                                                          \
    if (!(__VA_ARGS__)) apexline::test::fail(__FILE__, __LINE__, #__VA_ARGS__); \
  } while (false)

// CHECK_THROWS(Error, "part of its message", expression)
#define CHECK_THROWS(Error, part, ...)                                                                           \
  do {                                                                                                           \
    const std::string wrong = apexline::test::wrong_throw<Error>([&] { static_cast<void>(__VA_ARGS__); }, part); \
    if (!wrong.empty()) apexline::test::fail(__FILE__, __LINE__, #__VA_ARGS__ ": " + wrong);                     \
  } while (false)
