#include "check.hpp"

int main() { return apexline::test::run_all(); }
