"""Invalid states are refused and change nothing."""

import numpy as np
import pytest

from .replays import FINAL_FRAME, NOT_WRAPPED, WRAPPED, filled, state_bytes


def rows(state, env):
    """All slots of an environment, which a state may hold in several pieces."""
    [piece] = [piece for piece in state["slots"] if piece["env"] == env]
    return piece


def ineligible_slot(state):
    return int(np.flatnonzero(np.array(state["priorities"]) == 0)[0])


def eligible_slot(state):
    return int(np.flatnonzero(np.array(state["priorities"]))[0])


def change_ring(state, **changes):
    names = ["head", "first", "next_in_episode", "episodes", "evicted"]
    ring = dict(zip(names, state["rings"][1], strict=True))
    state["rings"][1] = tuple({**ring, **changes}.values())


def priority_on_an_ineligible_slot(state):
    state["priorities"][ineligible_slot(state)] = 1.0


def no_priority_on_an_eligible_slot(state):
    state["priorities"][eligible_slot(state)] = 0.0


def negative_priority(state):
    state["priorities"][eligible_slot(state)] = -1.0


def priority_that_is_no_number(state):
    state["priorities"][eligible_slot(state)] = np.nan


def endless_priority(state):
    state["priorities"][eligible_slot(state)] = 1e300


def priorities_that_lack_one(state):
    state["priorities"] = state["priorities"][:-1]


def negative_head(state):
    change_ring(state, head=-1)


def head_too_far(state):
    change_ring(state, head=state["rings"][1][0] + 1)


def head_too_near(state):
    change_ring(state, head=state["rings"][1][0] - 1)


def enormous_head(state):
    change_ring(state, head=2**62)


def first_after_the_head(state):
    change_ring(state, first=state["rings"][1][0] + 1)


def first_too_late(state):
    change_ring(state, first=state["rings"][1][0] - 2)


def running_episode_of_another_length(state):
    change_ring(state, next_in_episode=state["rings"][1][2] + 1)


def negative_episodes(state):
    change_ring(state, episodes=-1)


def negative_evictions(state):
    change_ring(state, evicted=-1)


def one_ring_too_few(state):
    state["rings"] = state["rings"][:-1]


def step_out_of_its_episode(state):
    rows(state, 0)["in_episode"][5] += 1


def end_without_a_final_frame(state):
    flags = rows(state, 0)["flags"]
    flags[np.flatnonzero(flags == 0)[3]] = 1


def final_frame_without_an_end(state):
    flags = rows(state, 0)["flags"]
    flags[np.flatnonzero(flags == 0)[3]] = 4


def end_that_is_forgotten(state):
    flags = rows(state, 0)["flags"]
    flags[np.flatnonzero((flags == 1) | (flags == 2))[1]] = 0


def missing_environment(state):
    state["slots"] = [piece for piece in state["slots"] if piece["env"] != 2]


def missing_last_slots(state):
    piece = rows(state, 2)
    piece.update({name: value[:-1] for name, value in piece.items() if isinstance(value, np.ndarray)})


def missing_first_slots(state):
    piece = rows(state, 2)
    piece.update({name: value[1:] for name, value in piece.items() if isinstance(value, np.ndarray)})
    piece["begin"] += 1


def slots_twice(state):
    state["slots"].append(state["slots"][0])


def swapped_environments(state):
    for piece in state["slots"]:
        piece["env"] = {0: 1, 1: 0}.get(piece["env"], piece["env"])


def environment_out_of_range(state):
    rows(state, 2)["env"] = 3


def negative_environment(state):
    rows(state, 2)["env"] = -1


def frames_of_another_shape(state):
    piece = rows(state, 0)
    piece["frames"] = piece["frames"].reshape(-1, 4, 5)


def frames_of_another_dtype(state):
    piece = rows(state, 0)
    piece["frames"] = piece["frames"].astype(np.int8)


def no_rewards(state):
    del rows(state, 0)["rewards"]


def too_many_rewards(state):
    piece = rows(state, 0)
    piece["rewards"] = np.append(piece["rewards"], np.float32(0))


def largest_priority_of_zero(state):
    state["max_priority"] = 0.0


def largest_priority_that_is_no_number(state):
    state["max_priority"] = np.nan


def negative_seed(state):
    state["seed"] = -1


def seed_in_words(state):
    state["seed"] = "seven"


def negative_stale_updates(state):
    state["stale_updates"] = -1


def no_rings(state):
    state["rings"] = None


def rings_of_one_number(state):
    state["rings"] = [1, 2, 3]


def no_shape(state):
    del state["shape"]


def shape_in_words(state):
    state["shape"] = "small"


def no_slots(state):
    del state["slots"]


def empty_slots(state):
    state["slots"] = []


def slots_of_nothing(state):
    state["slots"] = [None]


TAMPERED = [
    priority_on_an_ineligible_slot,
    no_priority_on_an_eligible_slot,
    negative_priority,
    priority_that_is_no_number,
    endless_priority,
    priorities_that_lack_one,
    negative_head,
    head_too_far,
    head_too_near,
    enormous_head,
    first_after_the_head,
    first_too_late,
    running_episode_of_another_length,
    negative_episodes,
    negative_evictions,
    one_ring_too_few,
    step_out_of_its_episode,
    end_without_a_final_frame,
    final_frame_without_an_end,
    end_that_is_forgotten,
    missing_environment,
    missing_last_slots,
    missing_first_slots,
    slots_twice,
    swapped_environments,
    environment_out_of_range,
    negative_environment,
    frames_of_another_shape,
    frames_of_another_dtype,
    no_rewards,
    too_many_rewards,
    largest_priority_of_zero,
    largest_priority_that_is_no_number,
    negative_seed,
    seed_in_words,
    negative_stale_updates,
    no_rings,
    rings_of_one_number,
    no_shape,
    shape_in_words,
    no_slots,
    empty_slots,
    slots_of_nothing,
]


def check_refused(tamper, steps=WRAPPED):
    replay = filled(steps=20, seed=3)
    replay.sample(5)
    before = state_bytes(replay)
    state = filled(steps=steps).state_dict()
    tamper(state)
    with pytest.raises(ValueError, match="invalid replay state: "):
        replay.load_state_dict(state)
    assert state_bytes(replay) == before
    replay.check()


@pytest.mark.parametrize("tamper", TAMPERED)
def test_an_invalid_state(tamper):
    check_refused(tamper)


def reward_that_is_no_number(state):
    rows(state, 0)["rewards"][4] = np.nan


def action_that_is_no_number(state):
    rows(state, 0)["field 0"][4] = np.nan


def priority_above_the_largest(state):
    state["priorities"][eligible_slot(state)] = 2 * state["max_priority"]


def unknown_flag(state):
    rows(state, 0)["flags"][4] |= 8


def more_evictions_than_could_be(state):
    head, first, *_ = state["rings"][1]
    change_ring(state, evicted=head - first)


def more_episodes_than_could_be(state):
    head, first, *_ = state["rings"][1]
    change_ring(state, episodes=head - first)


@pytest.mark.parametrize(
    "tamper",
    [
        reward_that_is_no_number,
        action_that_is_no_number,
        priority_above_the_largest,
        unknown_flag,
        more_evictions_than_could_be,
        more_episodes_than_could_be,
    ],
)
def test_a_state_that_no_history_produces(tamper):
    check_refused(tamper)


def test_a_first_episode_that_does_not_begin_at_its_first_step():
    def tamper(state):
        piece = rows(state, 0)
        end = int(np.flatnonzero(piece["flags"] == FINAL_FRAME)[0])
        piece["in_episode"][: end + 1] += 1

    check_refused(tamper, steps=NOT_WRAPPED)


def part(piece, begin, end):
    arrays = {name: value[begin:end] for name, value in piece.items() if isinstance(value, np.ndarray)}
    return {**piece, **arrays, "begin": piece["begin"] + begin}


def test_a_missing_first_step_is_not_replaced_by_zeros():
    def tamper(state):
        whole = rows(state, 1)
        count = len(whole["rewards"])
        assert (whole["in_episode"][0], whole["flags"][0]) == (0, 0)
        others = [piece for piece in state["slots"] if piece["env"] != 1]
        state["slots"] = [part(whole, 1, count), part(whole, count - 1, count), *others]

    check_refused(tamper, steps=NOT_WRAPPED)


def test_a_missing_last_step_is_not_replaced_by_zeros():
    def tamper(state):
        whole = rows(state, 0)
        assert (whole["in_episode"][-1], whole["flags"][-1]) == (0, 0)
        state["slots"][0] = part(whole, 0, -1)

    check_refused(tamper, steps=NOT_WRAPPED)
