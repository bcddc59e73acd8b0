"""The backend "native": CarRacing in C++ (`_core.racing`) as gymnasium environments."""
