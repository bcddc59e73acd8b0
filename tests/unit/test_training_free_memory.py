"""Free memory, read from simulated kernel files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from apexline.training.machine.free_memory import free_gpu, free_ram, resident

MIB = 2**20


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def machine(root: Path, available: int, groups: str) -> None:
    meminfo = f"MemTotal: 99999999 kB\nMemFree: 7 kB\nMemAvailable: {available // 1024} kB\n"
    write(root / "proc/meminfo", meminfo)
    write(root / "proc/self/cgroup", groups)


def group_v2(folder: Path, limit: str, use: int, cache: int) -> None:
    write(folder / "memory.max", f"{limit}\n")
    write(folder / "memory.current", f"{use}\n")
    write(folder / "memory.stat", f"anon 5\ninactive_file {cache}\nactive_file 77\n")


def group_v1(folder: Path, limit: int, use: int, cache: int) -> None:
    write(folder / "memory.limit_in_bytes", f"{limit}\n")
    write(folder / "memory.usage_in_bytes", f"{use}\n")
    write(folder / "memory.stat", f"inactive_file 3\ntotal_inactive_file {cache}\n")


def test_without_a_control_group_it_is_the_machines_memory(tmp_path: Path) -> None:
    machine(tmp_path, 900 * MIB, "0::/\n")
    assert free_ram(tmp_path) == 900 * MIB


def test_a_control_group_allows_less(tmp_path: Path) -> None:
    machine(tmp_path, 900 * MIB, "0::/user/run\n")
    group_v2(tmp_path / "sys/fs/cgroup/user/run", str(500 * MIB), 300 * MIB, 20 * MIB)
    assert free_ram(tmp_path) == 220 * MIB


def test_an_outer_control_group_allows_less(tmp_path: Path) -> None:
    machine(tmp_path, 900 * MIB, "0::/user/run\n")
    group_v2(tmp_path / "sys/fs/cgroup/user/run", "max", 300 * MIB, 0)
    group_v2(tmp_path / "sys/fs/cgroup/user", str(400 * MIB), 390 * MIB, 0)
    assert free_ram(tmp_path) == 10 * MIB


def test_a_control_group_that_allows_more_than_the_machine_has(tmp_path: Path) -> None:
    machine(tmp_path, 90 * MIB, "0::/\n")
    group_v2(tmp_path / "sys/fs/cgroup", str(500 * MIB), 100 * MIB, 0)
    assert free_ram(tmp_path) == 90 * MIB


def test_control_groups_version_1(tmp_path: Path) -> None:
    machine(tmp_path, 900 * MIB, "5:cpu,cpuacct:/else\n4:memory:/a/b\n0::/\n")
    group_v1(tmp_path / "sys/fs/cgroup/memory/a/b", 400 * MIB, 100 * MIB, 30 * MIB)
    group_v1(tmp_path / "sys/fs/cgroup/memory", 2**63 - 4096, 800 * MIB, 0)
    group_v1(tmp_path / "sys/fs/cgroup/memory/else", 1, 1, 0)
    assert free_ram(tmp_path) == 330 * MIB


def test_a_container_finds_its_control_group_at_the_mount(tmp_path: Path) -> None:
    machine(tmp_path, 900 * MIB, "0::/docker/4f1c\n")
    group_v2(tmp_path / "sys/fs/cgroup", str(100 * MIB), 40 * MIB, 0)
    assert free_ram(tmp_path) == 60 * MIB


def test_a_control_group_over_its_limit_leaves_nothing(tmp_path: Path) -> None:
    machine(tmp_path, 900 * MIB, "0::/\n")
    group_v2(tmp_path / "sys/fs/cgroup", str(100 * MIB), 140 * MIB, 0)
    assert free_ram(tmp_path) == 0


@pytest.mark.parametrize("pages", ["SC_AVPHYS_PAGES", "SC_PHYS_PAGES"])
def test_without_proc_the_systems_free_pages_count(
    pages: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sysconf_names", {pages: 1, "SC_PAGE_SIZE": 2})
    monkeypatch.setattr(os, "sysconf", {pages: 1000, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert free_ram(tmp_path) == 4_096_000


def test_this_machine_has_free_memory() -> None:
    assert 0 < free_ram() < 2**50


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_a_process_with_torch_is_at_least_a_hundred_megabytes() -> None:
    assert 100 * MIB < resident() < 2**40


def test_resident_memory_counts_pages(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/statm", "900 30 20 1 0 5 0\n")
    assert resident(tmp_path) == 30 * os.sysconf("SC_PAGE_SIZE")
    assert resident(tmp_path / "nowhere") == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_free() -> None:
    assert free_gpu() == 0
