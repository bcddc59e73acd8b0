"""Every updater performs whole updates, and `Updater.check` detects one that does not."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import nn

from apexline.training import preset
from benchmarks.updates.compare import Row, ratio, table
from benchmarks.updates.updaters import UPDATERS, Setting, Updater
from benchmarks.updates.updaters.apexline import ApexlineSingle
from benchmarks.updates.updaters.drqv2 import shifted


@cache
def made(kind: type[Updater]) -> Updater:
    torch.set_num_threads(1)
    return kind(Setting(preset("cpu"), torch.device("cpu"), threads=1))


@pytest.mark.parametrize("kind", UPDATERS, ids=lambda kind: kind.name)
def test_an_update_changes_every_network(kind: type[Updater]) -> None:
    made(kind).check()


@pytest.mark.parametrize("name", ["encoder", "critic", "actor"])
def test_an_unchanged_network_is_detected(name: str) -> None:
    class Frozen(ApexlineSingle):
        def update(self) -> None:
            network: nn.Module = self.networks()[name]
            before = {key: value.clone() for key, value in network.state_dict().items()}
            super().update()
            network.load_state_dict(before)

    with pytest.raises(AssertionError, match=f"the {name} did not change"):
        made(Frozen).check()


def test_a_loss_that_is_not_finite_is_detected() -> None:
    class Lost(ApexlineSingle):
        def losses(self) -> dict[str, float]:
            return {"critic": float("nan")}

    with pytest.raises(AssertionError, match="the critic loss is nan"):
        made(Lost).check()


def test_all_encoders_have_the_same_number_of_parameters() -> None:
    """Without the bottleneck, which belongs to the encoder in stable-baselines3."""
    counts = {}
    for kind in UPDATERS:
        parameters = made(kind).networks()["encoder"].parameters()
        counts[kind.name] = sum(
            each.numel() for each in parameters if each.ndim in (1, 4) and each.shape[0] < 64
        )
    assert len(set(counts.values())) == 1, counts


def test_shifts_move_whole_images() -> None:
    torch.manual_seed(0)
    images = torch.rand(32, 2, 9, 9)
    moved = shifted(images, 2)
    padded = nn.functional.pad(images, (2,) * 4, "replicate")
    places = set()
    for image, found in zip(padded, moved, strict=True):
        matches = [
            (y, x)
            for y in range(5)
            for x in range(5)
            if torch.allclose(image[:, y : y + 9, x : x + 9], found, atol=1e-5)
        ]
        assert matches
        places.update(matches)
    assert len(places) > 12


def test_a_ratio_is_the_median_within_rounds() -> None:
    rows = [Row(made(kind)) for kind in UPDATERS[:3]]
    for row, times in zip(rows, ((1, 2, 4), (1, 1, 1), (3, 4, 40)), strict=True):
        row.rounds = {"update": [{"cpu": float(time), "wall": 1.0} for time in times]}
    assert ratio(rows[2], rows[0], "update", "cpu") == 3
    assert ratio(rows[2], rows[1], "update", "cpu") == 4
    assert table(rows, "cpu").splitlines()[-1].endswith("| 1 | 4000.00 (3000.00) | 3 | 4 | - | - | - |")
