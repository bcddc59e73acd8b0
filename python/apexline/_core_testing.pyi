"""Parts of the C++ core that only tests call. Built with APEXLINE_TEST_BINDINGS=ON; not in wheels."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Glyphs = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]

def draw_shape(
    image: NDArray[np.uint8],
    kind: str,
    points: NDArray[np.integer[Any]],
    colour: Sequence[int],
) -> NDArray[np.uint8]:
    """Returns a copy of the image (h, w, 3) with one shape of points (n, 2).

    `kind` is gfx_outline, gfx_fill, fill or lines.
    """

def smoothscale(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """pygame.transform.smoothscale to a smaller size."""

def score_image(score: float, glyphs: _Glyphs) -> NDArray[np.uint8]:
    """Returns the drawn score, (100, 200, 3), centred at column 60, row 50."""

def exact_frame(
    scene: Scene,
    width: int,
    height: int,
    skid_marks: Sequence[tuple[bool, NDArray[np.float64]]],
    glyphs: _Glyphs,
) -> NDArray[np.uint8]:
    """Returns the stock game's image of a scene, (height, width, 3)."""

@final
class Pcg64:
    """NumPy's PCG64 generator; the state is (6,) uint64 as in apexline.racing.native.rng."""

    def __init__(self, state: NDArray[np.uint64]) -> None: ...
    @property
    def state(self) -> NDArray[np.uint64]: ...
    def uniform(self, low: float, high: float) -> float: ...
    def integers(self, bound: int) -> int: ...

def create_track(
    random: Pcg64,
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.int32],
    NDArray[np.bool_],
    NDArray[np.float64],
    int,
]:
    """Returns nodes, tiles, kerb_tiles, kerb_is_white, kerbs (see TrackSnapshot), and the number of failed attempts."""

def convex_hull(points: ArrayLike) -> NDArray[np.float32]:
    """Returns the corners (n, 2) of the convex hull of 3 to 8 points, in the order of b2PolygonShape."""

def polygon_mass(points: ArrayLike, density: float) -> tuple[float, float, float, float]:
    """Returns mass, centre x and y, and inertia about the origin."""

def polygons_overlap(
    fixed: ArrayLike, moved: ArrayLike, x: float, y: float, sine: float, cosine: float
) -> bool:
    """b2TestOverlap of the hulls of two polygons, the second rotated and moved."""

def draw_colours(random: Pcg64) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Returns the colours that CarRacing draws with domain_randomize: values (3, 3) and drawn colours (5, 3)."""

@final
class Scene:
    """Everything that one image of the game shows. Poses are x, y, angle, sine and cosine."""

    def __init__(
        self,
        *,
        hull: NDArray[np.float32],
        wheels: NDArray[np.float32],
        phases: NDArray[np.float64],
        omegas: NDArray[np.float64],
        velocity: tuple[float, float],
        spin: float,
        steering_angle: float,
        seconds: float,
        score: float,
        tiles: NDArray[np.float64],
        touched: NDArray[np.uint8],
        kerbs: NDArray[np.float64],
        kerb_tiles: NDArray[np.int64],
        kerb_is_white: NDArray[np.bool_],
        colours: NDArray[np.uint8],
        zoom: float = 2.7,
    ) -> None: ...

@final
class Painter:
    """Draws observations."""

    def __init__(
        self,
        *,
        crop_hud: bool,
        gray: bool,
        frame_size: tuple[int, int],
        channels_first: bool = False,
        road_contrast: bool = False,
        keep_dim: bool = False,
        glyphs: _Glyphs,
    ) -> None: ...
    def draw(self, scene: Scene) -> NDArray[np.uint8]: ...

def polygons(scene: Scene) -> list[tuple[int, bool, list[tuple[int, int]]]]:
    """Returns the polygons drawn before the indicators, in order: ink, whether antialiased, corners."""
