"""The layout of the design, checked on the sources: which folder may import which, and how long a file may be."""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "apexline"
CPP = ROOT / "cpp"
DEVICE_PREFETCHER = PACKAGE / "replay" / "device.py"
"""The one module of the replay that imports torch; no other module of the replay imports it."""
MOST_LINES = 450

MAY_IMPORT: dict[str, set[str]] = {
    "file_lock": set(),
    "worker_process": set(),
    "atomic_write": {"file_lock"},
    "replay": {"_core", "atomic_write"},
    "racing/types": set(),
    "racing/validation": set(),
    "racing/own_track": {"racing/validation"},
    "racing/options": {"racing/own_track", "racing/validation"},
    "racing/native": {"_core", "racing/options", "racing/types", "racing/validation"},
    "racing/stock": {"racing/options", "racing/types", "racing/validation", "worker_process"},
    "racing": {*("racing/native", "racing/options", "racing/stock", "racing/types", "racing/validation")},
    "agent": {"replay"},
    "training/errors": set(),
    "training/config": {"agent", "racing", "training/errors"},
    "training/acting": {"agent", "racing", "racing/types", "replay", "training/config", "training/errors"},
    "training/learning": {"agent", "replay", "training/config", "training/errors"},
    "training/records": {"atomic_write", "file_lock", "training/config", "training/errors"},
    "training/evaluation": {
        *("agent", "atomic_write", "racing", "replay", "worker_process"),
        *("training/acting", "training/config", "training/errors", "training/records"),
    },
    "training/machine": {
        *("_core", "agent", "atomic_write", "racing", "replay"),
        *("training/acting", "training/config", "training/errors", "training/learning"),
    },
    "training": {
        *("_core", "agent", "atomic_write", "racing", "replay"),
        *("training/acting", "training/config", "training/errors", "training/evaluation"),
        *("training/learning", "training/machine", "training/records"),
    },
    "cli": {
        *("_core", "agent", "apexline", "atomic_write", "racing", "replay", "training"),
        *(
            "training/config",
            "training/errors",
            "training/evaluation",
            "training/machine",
            "training/records",
        ),
    },
    "apexline": {"_core", "replay"},
}
"""Packages and modules of `apexline` by path. A path that is not listed belongs to the nearest folder above it;
`apexline` is the package's `__init__.py`."""

CPP_MAY_INCLUDE: dict[str, set[str]] = {
    "support": set(),
    "replay": {"support"},
    "racing/base": {"support"},
    "racing/physics": {"support", "racing/base"},
    "racing/game": {"support", "racing/base", "racing/physics"},
    "racing/render": {"support", "racing/base"},
    "racing/render/fast": {"support", "racing/base", "racing/render"},
    "racing/render/exact": {"support", "racing/base", "racing/render"},
    "racing/render/frame": {
        *("racing/base", "racing/render", "racing/render/fast", "racing/render/exact"),
    },
    "racing": {
        "support",
        "racing/base",
        "racing/physics",
        "racing/game",
        "racing/render",
        "racing/render/frame",
    },
    "bindings": {"support", "replay", "racing", "racing/base", "racing/render", "racing/render/exact"},
    "bindings_testing": {
        *("bindings", "support", "racing/base", "racing/physics", "racing/game"),
        *("racing/render", "racing/render/frame", "racing/render/exact"),
    },
}
"""Folders of C++ by path; `racing` is world.hpp and world.cpp. Tests may include everything."""


def place(path: str, table: Mapping[str, object], default: str) -> str:
    """The longest entry of `table` that `path` is or lies in."""
    return max((key for key in table if f"{path}/".startswith(f"{key}/")), key=len, default=default)


def statements(source: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(source.read_text()))


def statements_run_by_import(source: Path) -> Iterator[ast.AST]:
    """Without function bodies and without what only type checkers read."""
    waiting: list[ast.AST] = [ast.parse(source.read_text())]
    for node in waiting:
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting.extend(node.orelse)
        elif not isinstance(node, ast.FunctionDef):
            waiting.extend(ast.iter_child_nodes(node))


def imported_names(source: Path, among: Callable[[Path], Iterator[ast.AST]] = statements) -> Iterator[str]:
    """Absolute dotted names; `from a import b` gives a.b, which may be a module or a name in one."""
    package = ["apexline", *source.relative_to(PACKAGE).parent.parts]
    for node in among(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def top(name: str) -> str:
    return name.partition(".")[0]


def place_of(source: Path) -> str:
    path = str(source.relative_to(PACKAGE).with_suffix("")).removesuffix("/__init__")
    return place(path, MAY_IMPORT, default="apexline")


def place_imported(name: str) -> str:
    path = name.replace(".", "/").removeprefix("apexline").removeprefix("/")
    return place(path, {**MAY_IMPORT, "_core": None}, default="apexline")


def sources(package: str) -> list[Path]:
    return sorted((PACKAGE / package).rglob("*.py"))


@pytest.mark.parametrize("table", [MAY_IMPORT, CPP_MAY_INCLUDE], ids=["python", "cpp"])
def test_imports_go_one_way(table):
    TopologicalSorter(table).prepare()


@pytest.mark.parametrize("source", sources("."), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_folder_may(source):
    here = place_of(source)
    names = [name for name in imported_names(source) if top(name) == "apexline"]
    wrong = {name for name in names if place_imported(name) not in MAY_IMPORT[here] | {here}}
    assert not wrong, f"{here} imports {wrong}"


def test_every_package_is_listed():
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages <= MAY_IMPORT.keys()


@pytest.mark.parametrize(
    "source",
    [PACKAGE / "__init__.py", *(path for path in sources("replay") if path != DEVICE_PREFETCHER)],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_importing_the_replay_imports_numpy_alone(source):
    names = imported_names(source, among=statements_run_by_import)
    wrong = {name for name in names if top(name) not in {"apexline", "numpy", *sys.stdlib_module_names}}
    assert not wrong


def test_torch_is_imported_only_for_tensors_pinned_memory_and_the_device_prefetcher():
    importing = {path.name for path in sources("replay") if "torch" in {*map(top, imported_names(path))}}
    assert importing == {"batch.py", "buffer_pool.py", DEVICE_PREFETCHER.name}
    for source in sources("replay"):
        assert source == DEVICE_PREFETCHER or "apexline.replay.device" not in " ".join(imported_names(source))


@pytest.mark.parametrize(("package", "library"), [("racing", "torch"), ("agent", "gymnasium")])
def test_a_package_does_without(package, library):
    for source in sources(package):
        assert library not in {*map(top, imported_names(source))}, source


def includes(source: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', source.read_text(), re.MULTILINE)


def cpp_sources(folder: Path = CPP) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in {".hpp", ".cpp"})


def cpp_place(path: Path) -> str:
    return place(str(path.relative_to(CPP)), CPP_MAY_INCLUDE, default="")


def test_only_the_bindings_include_python():
    python_headers = re.compile("pybind11|Python.h")
    bound = {path.parent for path in cpp_sources() if any(map(python_headers.match, includes(path)))}
    assert bound == {CPP / "bindings", CPP / "bindings_testing"}


@pytest.mark.parametrize("folder", CPP_MAY_INCLUDE)
def test_a_folder_of_cpp_includes_only_what_it_may(folder):
    for source in cpp_sources(CPP / folder):
        if cpp_place(source) == folder:
            included = {cpp_place(CPP / name) for name in includes(source)} - {""}
            wrong = included - CPP_MAY_INCLUDE[folder] - {folder}
            assert not wrong, f"{source.relative_to(ROOT)} includes {wrong}"


def test_every_folder_of_cpp_is_listed():
    folders = {path.relative_to(CPP).parts[0] for path in cpp_sources()}
    assert folders - {"tests"} == {folder.partition("/")[0] for folder in CPP_MAY_INCLUDE}


@pytest.mark.parametrize("folder", ["python", "cpp", "tests", "benchmarks", "examples"])
def test_no_file_is_long(folder):
    files = [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.pyi"), *cpp_sources(ROOT / folder)]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert not {name: lines for name, lines in lengths.items() if lines > MOST_LINES}
