from collections.abc import Sequence
from typing import Any, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apexline.replay.batch import Batch

__version__: str
compiler: str

def isa() -> str: ...
def available_processors() -> int: ...
def draw_shape(
    image: NDArray[np.uint8],
    kind: str,
    points: NDArray[np.integer[Any]],
    colour: Sequence[int],
) -> NDArray[np.uint8]: ...
def smoothscale(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]: ...
def score_image(
    score: float, glyphs: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]
) -> NDArray[np.uint8]: ...
def portrait(
    *,
    width: int,
    height: int,
    tiles: NDArray[np.float64],
    touched: NDArray[np.bool_],
    kerb_tiles: NDArray[np.integer[Any]],
    kerb_is_white: NDArray[np.bool_],
    kerbs: NDArray[np.float64],
    colours: NDArray[np.uint8],
    poses: NDArray[np.float32],
    velocity: NDArray[np.float32],
    phases: NDArray[np.float64],
    omegas: NDArray[np.float64],
    steering_angle: float,
    seconds: float,
    score: float,
    skid_marks: Sequence[tuple[bool, NDArray[np.float64]]],
    glyphs: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]],
) -> NDArray[np.uint8]: ...

class ResetNeeded(RuntimeError): ...

@final
class Racing:
    def __init__(
        self,
        *,
        states: NDArray[np.uint64],
        actions: str,
        autoreset: str,
        action_repeat: int,
        skip_zoom: int,
        max_frames: int,
        domain_randomize: bool,
        ends_at_start_line: bool,
        lap_complete_percent: float,
        keeps_skid_marks: bool,
        crop_hud: bool,
        gray: bool,
        frame_size: int,
        interleaved: bool,
        road_contrast: bool,
        rules: dict[str, Any],
        glyphs: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]],
        num_threads: int,
    ) -> None: ...
    def reset(
        self,
        resets: NDArray[np.bool_],
        recolours: NDArray[np.bool_],
        reseeds: NDArray[np.bool_],
        states: NDArray[np.uint64],
    ) -> tuple[NDArray[np.uint8], NDArray[np.void]]: ...
    def step(
        self, actions: ArrayLike
    ) -> tuple[NDArray[np.uint8], NDArray[np.void], NDArray[np.uint8] | None, NDArray[np.void] | None]: ...
    def observe(self) -> NDArray[np.uint8]: ...
    def portrait(self, env: int, width: int, height: int, with_skid_marks: bool) -> NDArray[np.uint8]: ...
    def track(self, env: int) -> dict[str, Any]: ...
    def car(self, env: int) -> dict[str, Any]: ...
    def skid_marks(self, env: int) -> list[tuple[bool, NDArray[np.float64]]]: ...
    def failed_tracks(self, env: int) -> int: ...
    def random_state(self, env: int) -> NDArray[np.uint64]: ...
    def save(self, env: int) -> bytes: ...
    def load(self, env: int, state: bytes) -> None: ...

@final
class SumTree:
    def __init__(self, capacity: int, seed: int = 0) -> None: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: NDArray[np.integer[Any]] | list[int]) -> NDArray[np.float64]: ...
    def __setitem__(self, index: ArrayLike, priority: ArrayLike) -> None: ...
    @property
    def total(self) -> float: ...
    def min(self) -> float: ...
    def max(self) -> float: ...
    def find(self, mass: float) -> int: ...
    def sample(self, n: int, out: NDArray[np.int64] | None = None) -> NDArray[np.int64]: ...
    def clear(self) -> None: ...
    def __getstate__(self) -> tuple[int, int, NDArray[np.float64]]: ...
    def __setstate__(self, state: tuple[int, int, NDArray[np.float64]]) -> None: ...

@final
class Replay:
    def __init__(
        self,
        *,
        capacity: int,
        num_envs: int,
        frame_shape: tuple[int, ...],
        frame_dtype: np.dtype[Any],
        fields: list[tuple[str, tuple[int, ...], np.dtype[Any]]],
        frame_stack: int,
        n_step: int,
        gamma: float,
        alpha: float,
        beta: float,
        epsilon: float,
        shift: int,
        seed: int,
        num_threads: int | None,
    ) -> None: ...
    @staticmethod
    def bytes_for(capacity: int, num_envs: int, frame_bytes: int, field_bytes: int) -> int:
        """`nbytes` of a full replay.

        Args:
            capacity: slots over all environments, rounded down to a multiple of `num_envs`.
            num_envs: environments.
            frame_bytes: bytes of one frame.
            field_bytes: bytes of an action and all extras of one step.

        Raises:
            ValueError: capacity or num_envs is out of range.
        """
    @property
    def capacity(self) -> int: ...
    @property
    def num_threads(self) -> int: ...
    @property
    def num_eligible(self) -> int: ...
    @property
    def max_priority(self) -> float: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def bytes_per_slot(self) -> float: ...
    def add(
        self,
        frames: NDArray[Any],
        fields: list[ArrayLike],
        rewards: ArrayLike,
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        final_frames: NDArray[Any] | None,
        mask: NDArray[np.bool_] | None,
    ) -> None: ...
    def cut_episodes(self, mask: NDArray[np.bool_] | None) -> None: ...
    def sample(
        self,
        beta: float,
        shift: int,
        obs: NDArray[Any],
        action: NDArray[Any],
        reward: NDArray[np.float32],
        discount: NDArray[np.float32],
        next_obs: NDArray[Any],
        weights: NDArray[np.float32],
        indices: NDArray[np.int64],
        extras: dict[str, NDArray[Any]],
    ) -> None: ...
    def update_priorities(self, indices: ArrayLike, td_errors: ArrayLike) -> int: ...
    def priorities(self) -> NDArray[np.float64]: ...
    def stats(self) -> tuple[int, int, int, int, float, float]: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> None: ...
    def read_slots(
        self, lane: int, begin: int, end: int
    ) -> tuple[
        NDArray[Any], list[NDArray[Any]], NDArray[np.float32], NDArray[np.uint32], NDArray[np.uint8]
    ]: ...
    def write_slots(
        self,
        lane: int,
        begin: int,
        frames: NDArray[Any],
        fields: list[NDArray[Any]],
        rewards: NDArray[np.float32],
        in_episode: NDArray[np.uint32],
        flags: NDArray[np.uint8],
    ) -> None: ...
    def check(self) -> None: ...
    def swap_contents(self, other: Replay) -> None: ...
    def clear(self) -> None: ...

@final
class Pcg64:
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
]: ...
def convex_hull(points: ArrayLike) -> NDArray[np.float32]: ...
def polygon_mass(points: ArrayLike, density: float) -> tuple[float, float, float, float]: ...
def polygons_overlap(
    fixed: ArrayLike, moved: ArrayLike, x: float, y: float, sine: float, cosine: float
) -> bool: ...
def draw_colours(random: Pcg64) -> tuple[NDArray[np.float64], NDArray[np.uint8]]: ...

@final
class Prefetcher:
    def __init__(self, replay: Replay) -> None: ...
    @property
    def pending(self) -> int: ...
    def request(self, beta: float, shift: int, batch: Batch) -> None: ...
    def take(self) -> Batch: ...
    def close(self) -> None: ...

@final
class Scene:
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
    ) -> None: ...

@final
class Painter:
    def __init__(
        self,
        *,
        crop_hud: bool,
        gray: bool,
        size: int,
        interleaved: bool,
        road_contrast: bool = False,
        glyphs: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]],
    ) -> None: ...
    def draw(self, scene: Scene) -> NDArray[np.uint8]: ...

def polygons(scene: Scene) -> list[tuple[int, bool, list[tuple[int, int]]]]: ...
