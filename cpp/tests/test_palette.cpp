#include "racing/game/palette.hpp"

#include <array>
#include <cstddef>

#include "check.hpp"

using namespace apexline::racing;

namespace {

bool same(const Colours& a, const Colours& b) {
  return a.road == b.road && a.background == b.background && a.grass == b.grass;
}

}  // namespace

TEST(the_default_palette_has_the_default_colours) { CHECK(same(surface_colours(Palette{}), Colours{})); }

// The colours of CarRacing(domain_randomize=True) with numpy.random.PCG64(2026).
TEST(random_colours_equal_those_of_the_game) {
  Pcg64 random({.state_high = 0x8b4e2f84ea4132eb,
                .state_low = 0x2d429278cd96cb05,
                .increment_high = 0xbec6782ecb0472d8,
                .increment_low = 0xdd766bd09854840b});
  const Palette palette = random_palette(random);
  CHECK(palette.road == ColourValues{0x1.2c9c48dfd71c8p+5, 0x1.0cc376ad07186p+7, 0x1.888165a09b005p+6});
  CHECK(palette.background == ColourValues{0x1.37386eeffb0e3p+6, 0x1.2a216c6f147fap+6, 0x1.4c0485944d0bbp+7});
  CHECK(palette.grass == ColourValues{0x1.37386eeffb0e3p+6, 0x1.2a216c6f147fap+6, 0x1.740485944d0bbp+7});
  CHECK(random.state().state_high == 0xc75445f637382230 && random.state().state_low == 0x71ed8a9934694a9a);
  CHECK(random.state().has_uint32 && random.state().uinteger == 0xe7b781a8);

  Colours expected;
  expected.road = {Rgb{37, 134, 98}, Rgb{40, 136, 100}, Rgb{42, 139, 103}};
  expected.background = {77, 74, 166};
  expected.grass = {77, 74, 186};
  CHECK(same(surface_colours(palette), expected));
}

TEST(grass_is_the_background_with_one_channel_brighter) {
  Pcg64 random({.state_high = 1, .state_low = 2, .increment_high = 3, .increment_low = 5});
  std::array<int, 3> brighter{};
  for (int draw = 0; draw < 300; ++draw) {
    const Palette palette = random_palette(random);
    int differing = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(palette.road[i] >= 0 && palette.road[i] < 210 && palette.background[i] >= 0 && palette.background[i] < 210);
      if (palette.grass[i] == palette.background[i]) continue;
      CHECK(palette.grass[i] == palette.background[i] + 20);
      ++brighter[i];
      ++differing;
    }
    CHECK(differing == 1);
  }
  for (const int count : brighter) CHECK(count > 50);
}
