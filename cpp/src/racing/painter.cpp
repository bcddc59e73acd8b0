#include "apexline/racing/painter.hpp"

#include <cstring>
#include <utility>

#include "apexline/racing/display_list.hpp"
#include "apexline/racing/indicators.hpp"

namespace apexline::racing {
namespace {

constexpr std::size_t kUsualPolygons = 1024;  // a long track with kerbs, all of it and of the field in the picture

}  // namespace

Painter::Painter(const FrameFormat& format, Glyphs glyphs)
    : kernels_(raster_kernels(chosen_isa())),
      glyphs_(std::move(glyphs)),
      writer_(format, kernels_),
      samples_(std::tuple_size_v<Samples> + kSamplesPadding) {
  polygons_.reserve(kUsualPolygons);
}

void Painter::draw(const Scene& scene, std::uint8_t* out) {
  list_polygons(scene, polygons_);
  std::memset(samples_.data(), static_cast<int>(Ink::kOutside), samples_.size());
  kernels_.paint(polygons_.data(), polygons_.size(), samples_.data());

  const auto inks = palette(scene.colours);
  std::array<Shades, 3> shades;
  for (std::size_t ink = 0; ink < kPaletteSize; ++ink) {
    shades[0][ink] = inks[ink].red;
    shades[1][ink] = inks[ink].green;
    shades[2][ink] = inks[ink].blue;
  }
  for (std::size_t channel = 0; channel < 3; ++channel)
    kernels_.shade(samples_.data(), shades[channel], planes_[channel].data());

  const Bars bars = list_bars(scene);
  draw_overlong_bars(bars, planes_);
  if (!format().crop_hud) draw_indicators(bars, score_text(scene.score), glyphs_, planes_);
  writer_.write(planes_, out);
}

}  // namespace apexline::racing
