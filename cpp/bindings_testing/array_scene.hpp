// A racing::Scene from NumPy arrays, which owns the data that it points to.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "racing/base/scene.hpp"

namespace apexline::bindings {

class ArrayScene {
 public:
  ArrayScene(racing::Track track, std::vector<std::uint8_t> touched, const racing::Scene& scene)
      : track_(std::move(track)), touched_(std::move(touched)), scene_(scene) {
    scene_.track = &track_;
    scene_.touched = touched_.data();
  }
  ArrayScene(const ArrayScene&) = delete;
  ArrayScene& operator=(const ArrayScene&) = delete;

  [[nodiscard]] const racing::Scene& scene() const noexcept { return scene_; }

 private:
  racing::Track track_;
  std::vector<std::uint8_t> touched_;
  racing::Scene scene_;
};

// Errors name the array. bind_painter.cpp documents the arguments.
std::unique_ptr<ArrayScene> scene_of(const pybind11::object& hull, const pybind11::object& wheels,
                                     const pybind11::object& phases, const pybind11::object& omegas,
                                     std::pair<float, float> velocity, float spin, float steering_angle, double seconds,
                                     double score, const pybind11::object& tiles, const pybind11::object& touched,
                                     const pybind11::object& kerbs, const pybind11::object& kerb_tiles,
                                     const pybind11::object& kerb_is_white, const pybind11::object& colours,
                                     double zoom);

}  // namespace apexline::bindings
