"""`apexline info`."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version

import gymnasium
import torch

from apexline import __version__, _core
from apexline.agent import trained_layers
from apexline.cli.parse import parse
from apexline.training import preset
from apexline.training.evaluation.policy import build_networks
from apexline.training.machine.memory_check import describe_memory


@dataclass(frozen=True)
class InfoCommand:
    """Print the environment, the hardware and the versions; with --preset, a preset's networks and memory instead."""

    preset: str | None = None
    """Print the networks of this preset with their parameter counts, and its memory estimate."""


def main(argv: list[str]) -> None:
    """Prints the tables."""
    command = parse(InfoCommand, "info", argv)
    if command.preset is not None:
        _print_networks(command.preset)
        return
    _print_rows("environment", _environment_rows())
    _print_rows("hardware", _hardware_rows())
    _print_rows("build", _build_rows())


def _environment_rows() -> list[tuple[str, str]]:
    env = gymnasium.make("CarRacing-v3")
    rows = [
        ("name", "CarRacing-v3"),
        ("observation space", str(env.observation_space)),
        ("action space", str(env.action_space)),
        ("random action", str(env.action_space.sample())),
    ]
    env.close()
    return rows


def _hardware_rows() -> list[tuple[str, str]]:
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return [
        ("machine", f"{platform.system()} {platform.machine()}"),
        ("processors", str(_core.available_processors())),
        ("ISA of torch", torch.backends.cpu.get_cpu_capability()),
        ("GPUs", ", ".join(gpus) or "none"),
    ]


def _build_rows() -> list[tuple[str, str]]:
    return [
        ("apexline", __version__),
        ("C++ core", f"built with {_core.compiler}, ISA {_core.isa()}"),
        ("Python", platform.python_version()),
        ("NumPy", version("numpy")),
        ("gymnasium", version("gymnasium")),
        ("torch", torch.__version__),
        ("CUDA of torch", torch.version.cuda or "none"),
    ]


def _print_networks(name: str) -> None:
    config = preset(name)
    networks = build_networks(config)
    layers = trained_layers(networks)
    shape = (config.replay.frame_stack, *config.game.frame_shape)
    print(f"preset {config.preset}: observation {shape} uint8, action {networks.actor.low.shape[0]} values\n")
    width = max(len(layer.name) for layer in layers)
    print(f"{'layer':{width}}  {'weight':>20}  {'parameters':>12}")
    for layer in layers:
        print(f"{layer.name:{width}}  {layer.shape!s:>20}  {layer.parameters:>12,}")
    print(f"{'total':{width}}  {'':>20}  {sum(layer.parameters for layer in layers):>12,}")
    print(f"\n{describe_memory(config)}")


def _print_rows(title: str, rows: list[tuple[str, str]]) -> None:
    print(title)
    for name, value in rows:
        print(f"  {name:18} {value}")
