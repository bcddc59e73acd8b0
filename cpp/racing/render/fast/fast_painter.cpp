#include "racing/render/fast/fast_painter.hpp"

#include "racing/render/display_list.hpp"
#include "racing/render/fast/overlong_bars.hpp"

namespace apexline::racing {
namespace {

constexpr std::size_t kUsualPolygons = 1024;  // more than a long track with kerbs and the whole field

Shades shades_of(const Colours& colours) noexcept {
  const auto inks = ink_colours(colours);
  Shades shades;
  for (std::size_t ink = 0; ink < kMaxInks; ++ink) {
    shades[0][ink] = inks[ink].red;
    shades[1][ink] = inks[ink].green;
    shades[2][ink] = inks[ink].blue;
  }
  return shades;
}

}  // namespace

FastPainter::FastPainter(const FrameFormat& format, const Glyphs& glyphs)
    : kernels_(raster_kernels(chosen_isa())), box_(glyphs), writer_(format, kernels_) {
  polygons_.reserve(kUsualPolygons);
}

void FastPainter::draw(const Scene& scene, std::uint8_t* out) {
  list_polygons(scene, polygons_);
  // The field is the first polygon and usually fills the image.
  const bool is_full = fills_image(polygons_.front());
  const Ink ground = is_full ? polygons_.front().ink : Ink::kOutside;
  samples_.inks.fill(static_cast<std::uint8_t>(ground));
  const std::size_t painted = is_full ? 1 : 0;
  kernels_.paint(polygons_.data() + painted, polygons_.size() - painted, samples_);
  kernels_.shade(samples_, shades_of(scene.colours), planes_);

  const Bars bars = list_bars(scene);
  draw_overlong_bars(bars, planes_);
  if (!format().crop_hud) box_.draw(bars, score_text(scene.score), planes_);
  writer_.write(planes_, out);
}

}  // namespace apexline::racing
