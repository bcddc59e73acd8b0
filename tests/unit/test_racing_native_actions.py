"""Actions of any kind of number, compared with the stock game; what is refused, with which message."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from apexline.racing import CarRacingEnv, CarRacingVectorEnv, GameOptions, InvalidActionError, make_env

from .gymnasium_versions import IS_1_4, same_score_text
from .native_racing import SMALL
from .stock_racing import CarRacing, UndrawnCarRacing, stock_vector

STEPS = 12

CONTINUOUS: dict[str, Any] = {
    "int": np.array([0, 1, 0]),
    "float64": np.array([0.1, 0.8, 0]),
    "float32": np.array([0.1, 0.8, 0], np.float32),
    "float16": np.array([0.1, 0.8, 0], np.float16),
    "big-endian": np.array([0.1, 0.8, 0], ">f4"),
    "longdouble": np.array([0.1, 0.8, 0], np.longdouble),
    "bool": np.array([True, True, False]),
    "uint8": np.array([0, 1, 0], np.uint8),
    "int64": np.array([0, 2**62 + 1, 0], np.int64),
    "objects": np.array([Fraction(1, 3), np.float32(0.8), False], object),
    "not contiguous": np.array([0.1, 9, 0.8, 9, 0, 9])[::2],
    "reversed": np.array([0, 0.8, 0.1])[::-1],
    "read-only": np.broadcast_to(np.float64(0.25), 3),
}


def rewards_of(env: Any, action: Any) -> list[float]:
    env.reset(seed=2)
    return [float(env.step(action)[1]) for _ in range(STEPS)]


@pytest.mark.parametrize("kind", CONTINUOUS)
def test_numbers_of_any_kind_drive_as_in_the_stock_game(kind: str) -> None:
    action = CONTINUOUS[kind]
    env, stock = CarRacingEnv(**SMALL), UndrawnCarRacing()
    assert rewards_of(env, action) == rewards_of(stock, action)
    hull = stock.car.hull
    assert tuple(hull.position) == (env.car_snapshot().x[4], env.car_snapshot().y[4])
    assert np.hypot(*hull.linearVelocity) > 1, "the action must drive"
    for sequence in (action.tolist(), tuple(action.tolist())):
        assert rewards_of(env, sequence) == rewards_of(stock, np.array(sequence, np.float64))


@pytest.mark.parametrize("kind", CONTINUOUS)
def test_numbers_of_any_kind_drive_a_vector(kind: str) -> None:
    actions = np.stack([CONTINUOUS[kind], np.zeros(3, CONTINUOUS[kind].dtype)])
    if kind == "not contiguous":
        actions = np.repeat(actions, 2, axis=1)[:, ::2]
    ours, theirs = CarRacingVectorEnv(2, **SMALL), stock_vector(2, AutoresetMode.NEXT_STEP)
    for envs in (ours, theirs):
        envs.reset(seed=2)
    for _ in range(STEPS):
        np.testing.assert_array_equal(ours.step(actions)[1], theirs.step(actions)[1], strict=True)
    ours.reset(seed=2)
    theirs.reset(seed=2)
    np.testing.assert_array_equal(ours.step(actions.tolist())[1], theirs.step(actions)[1])


def test_a_pedal_takes_any_numbers() -> None:
    env = CarRacingEnv(pedal=True, **SMALL)
    expected = rewards_of(env, np.array([0.0, 1.0]))
    for action in ([0, 1], np.array([0, 1], np.int8), np.array([False, True]), np.array([0, 1], ">f8")):
        assert rewards_of(env, action) == expected


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, int, bool])
def test_a_pedal_is_as_precise_in_both_backends(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CarRacing, "_render", UndrawnCarRacing._render)
    action = np.array([0, 1] if kind in (int, bool) else [0.1, 0.7], kind)
    ours, theirs = (make_env(GameOptions(pedal=True), backend=name) for name in ("native", "gymnasium"))
    assert rewards_of(ours, action) == rewards_of(theirs, action)
    hull: Any = theirs.get_wrapper_attr("car").hull
    assert float(hull.position[0]) == ours.unwrapped.car_snapshot().x[4]  # type: ignore[attr-defined]


DISCRETE = [3, True, np.int8(3), np.uint8(3), np.int64(1), np.array(3), np.array(4, np.int16), np.uint32(3)]


@pytest.mark.parametrize("action", DISCRETE, ids=repr)
def test_discrete_actions_are_those_of_the_stock_game(action: Any) -> None:
    ours = rewards_of(CarRacingEnv(continuous=False, **SMALL), action)
    assert ours == rewards_of(UndrawnCarRacing(continuous=False), action)


@pytest.mark.parametrize(
    "actions", [np.array([3, 1], np.uint8), np.array([3, 1], ">i4"), [3, 1], (3, 0)], ids=repr
)
def test_discrete_actions_of_a_vector(actions: Any) -> None:
    ours = CarRacingVectorEnv(2, continuous=False, **SMALL)
    theirs = stock_vector(2, AutoresetMode.NEXT_STEP, continuous=False)
    for envs in (ours, theirs):
        envs.reset(seed=2)
    for _ in range(STEPS):
        np.testing.assert_array_equal(ours.step(actions)[1], theirs.step(np.array(actions))[1], strict=True)


REFUSED = [
    ({}, np.array([0, np.nan, 0]), "action[1] is nan; expected a finite number"),
    ({}, [0, 0, float("-inf")], "action[2] is -inf; expected a finite number"),
    ({}, np.array([0, 0, np.nan], np.float16), "action[2] is nan; expected a finite number"),
    ({}, np.zeros(2, np.float32), "action has shape (2,); expected (3,)"),
    ({}, np.zeros((1, 3)), "action has shape (1, 3); expected (3,)"),
    ({}, 0.5, "action has shape (); expected (3,)"),
    ({}, [[0], 1, 0], "action is not rectangular; expected an array of numbers"),
    ({}, np.array(["0", "1", "0"]), "action has dtype <U1; expected real numbers"),
    ({}, "left", "action has dtype <U4; expected real numbers"),
    ({}, np.array([0, "1", 0], object), "action[1] is '1'; expected a finite number"),
    ({}, np.array([0, b"1", 0], object), "action[1] is b'1'; expected a finite number"),
    ({}, [0, 1, None], "action[2] is None; expected a finite number"),
    ({}, np.array([0, 10**400, 0], object), "action[1] is 1" + 36 * "0" + "...; expected a finite number"),
    (
        {},
        np.array([np.complex128(1), 1, 0], object),
        f"action[0] is {np.complex128(1)!r}; expected a finite number",
    ),
    ({}, np.zeros(3, complex), "action has dtype complex128; expected real numbers"),
    ({}, np.zeros(3, "m8[s]"), "action has dtype timedelta64[s]; expected real numbers"),
    ({}, object(), "action has shape (); expected (3,)"),
    ({"pedal": True}, np.zeros(3), "action has shape (3,); expected (2,)"),
    ({"pedal": True}, [0, np.inf], "action[1] is inf; expected a finite number"),
    ({"continuous": False}, 5, "action is 5; expected an integer from 0 to 4"),
    ({"continuous": False}, -1, "action is -1; expected an integer from 0 to 4"),
    ({"continuous": False}, 2**80, f"action is {2**80}; expected an integer from 0 to 4"),
    ({"continuous": False}, np.uint64(2**63), f"action is {2**63}; expected an integer from 0 to 4"),
    ({"continuous": False}, 1.0, "action is 1.0; expected an integer from 0 to 4"),
    ({"continuous": False}, np.bool_(True), f"action is {np.bool_(True)!r}; expected an integer from 0 to 4"),
    ({"continuous": False}, [1], "action is [1]; expected an integer from 0 to 4"),
    ({"continuous": False}, np.array([1]), "action has shape (1,); expected ()"),
    ({"continuous": False}, "1", "action is '1'; expected an integer from 0 to 4"),
    ({"continuous": False}, np.zeros(3), "action is array([0., 0., 0.]); expected an integer from 0 to 4"),
]


@pytest.mark.parametrize(("options", "action", "message"), REFUSED, ids=[text for *_, text in REFUSED])
def test_a_refused_action_changes_nothing(options: dict[str, Any], action: Any, message: str) -> None:
    env = CarRacingEnv(**options, **SMALL)
    env.reset(seed=0)
    before = env.get_state()
    with pytest.raises(InvalidActionError) as caught:
        env.step(action)
    assert str(caught.value) == message
    assert isinstance(caught.value, gym.error.InvalidAction)
    assert isinstance(caught.value, ValueError)
    assert env.get_state() == before
    if options.get("continuous") is False and IS_1_4:
        assert not env.action_space.contains(action)


class StockTable(UndrawnCarRacing):
    """Discrete actions over the continuous game, as users write them."""

    TABLE = np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1]])

    def __init__(self) -> None:
        super().__init__()
        self.action_space = gym.spaces.Discrete(5)

    def step(self, action: Any) -> Any:
        return super().step(None if action is None else self.TABLE[action])


class OurTable(CarRacingEnv):
    TABLE = StockTable.TABLE

    def __init__(self) -> None:
        super().__init__()
        self.action_space = gym.spaces.Discrete(5)

    def step(self, action: Any) -> Any:
        return super().step(None if action is None else self.TABLE[action])


def test_a_subclass_with_an_action_space_of_its_own() -> None:
    ours, theirs = OurTable(), StockTable()
    for env in (ours, theirs):
        env.reset(seed=6)
    for action in [3] * 20 + [1, 3, 2, 4, 0] * 4:
        assert ours.step(action)[1:3] == theirs.step(action)[1:3]


@pytest.mark.parametrize("continuous", [True, False])
def test_actions_of_games_that_are_reset_are_ignored(continuous: bool) -> None:
    options: dict[str, Any] = {"continuous": continuous, "max_episode_frames": 3}
    ours = CarRacingVectorEnv(2, **options, **SMALL)
    theirs = stock_vector(2, AutoresetMode.NEXT_STEP, **options)
    coast: Any = np.zeros((2, 3)) if continuous else np.zeros(2, int)
    wrong: Any = np.full((2, 3), np.nan) if continuous else np.array([99, -1])
    for envs in (ours, theirs):
        envs.reset(seed=1)
    for step in range(12):
        actions = wrong if step % 4 == 3 else coast
        our_step, their_step = ours.step(actions), theirs.step(actions)
        for our_array, their_array in zip(our_step[1:4], their_step[1:4], strict=True):
            np.testing.assert_array_equal(our_array, their_array, strict=True)
    ours.reset(options={"reset_mask": np.array([True, False])})
    for _ in range(3):
        ours.step(coast)
    with pytest.raises(InvalidActionError, match=r"^actions has (dtype|shape) "):
        ours.step(np.zeros((2, 2)))


def test_only_the_games_that_are_reset_may_have_any_action() -> None:
    env = CarRacingVectorEnv(2, max_episode_frames=3, **SMALL)
    env.reset(seed=1)
    coast = np.zeros((2, 3))
    env.step(coast)
    env.reset(options={"reset_mask": np.array([False, True])})
    for _ in range(2):
        env.step(coast)  # the first game has ended
    half = np.array([[np.nan] * 3, [0, 0.5, 0]])
    with pytest.raises(InvalidActionError, match=r"^actions\[1, 0\] is nan"):
        env.step(half[::-1])
    env.step(half)


@same_score_text
def test_none_is_a_frame_without_action() -> None:
    """The controls stay; tiles count at the next step with an action."""
    ours = CarRacingEnv(render_mode="state_pixels")
    theirs: Any = CarRacing(render_mode="state_pixels")
    rng = np.random.default_rng(3)
    for env in (ours, theirs):
        env.reset(seed=4)
    late = 0
    for step in range(120):
        action = None if rng.random() < 0.4 else np.array([rng.uniform(-0.1, 0.1), 0.6, 0], np.float32)
        _, reward, *ends, info = ours.step(action)
        rest = theirs.step(action)[1:]
        assert (reward, *ends) == tuple(rest[:3])
        assert info["frames"] == step + 1
        np.testing.assert_array_equal(ours.render(), theirs.render())
        late += action is not None and reward > 3.5 and info["tiles"] < 1
    assert late > 3
    hull = theirs.car.hull
    assert tuple(hull.position) == (ours.car_snapshot().x[4], ours.car_snapshot().y[4])
