"""The arrows of the design: who may import whom, read from the sources."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "apexline"
CPP = ROOT / "cpp"
DEVICE_PREFETCHER = PACKAGE / "replay" / "device.py"
"""The one module of the replay that imports torch; no other module of the replay imports it."""

MAY_IMPORT = {
    "apexline": {"_core", "replay"},
    "atomic_write": set(),
    "replay": {"_core", "atomic_write"},
    "racing": {"_core"},
    "agent": {"replay"},
    "training": {"apexline", "_core", "atomic_write", "replay", "racing", "agent"},
    "cli": {"apexline", "_core", "atomic_write", "replay", "racing", "agent", "training"},
}
"""Rooms of the package by name; `apexline` is the top level, which hands on the replay."""

CPP_MAY_INCLUDE = {
    "support": set(),
    "replay": {"support"},
    "racing/base": {"support"},
    "racing/physics": {"support", "racing/base"},
    "racing/game": {"support", "racing/base", "racing/physics"},
    "racing/render": {"support", "racing/base"},
    "racing/render/fast": {"support", "racing/base", "racing/render"},
    "racing/render/exact": {"support", "racing/base", "racing/render"},
    "racing": {
        "support",
        "racing/base",
        "racing/physics",
        "racing/game",
        "racing/render",
        "racing/render/fast",
    },
}
"""Folders of the C++ core by path; `racing` is world.hpp and world.cpp."""


def statements(source: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(source.read_text()))


def statements_of_importing(source: Path) -> Iterator[ast.AST]:
    """Those that run when the module is imported: not in functions, not for type checkers alone."""
    waiting: list[ast.AST] = [ast.parse(source.read_text())]
    for node in waiting:
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting.extend(node.orelse)
        elif not isinstance(node, ast.FunctionDef):
            waiting.extend(ast.iter_child_nodes(node))


def imported_modules(source: Path, among: Callable[[Path], Iterator[ast.AST]] = statements) -> Iterator[str]:
    """Absolute names, with the imported name joined on where that may be a module itself."""
    package = ["apexline", *source.relative_to(PACKAGE).parent.parts]
    for node in among(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def top(module: str) -> str:
    return module.partition(".")[0]


def room_of(source: Path) -> str:
    parts = source.relative_to(PACKAGE).parts
    name = parts[0].removesuffix(".py")
    return name if name in MAY_IMPORT or len(parts) > 1 else "apexline"


def room_imported(module: str) -> str:
    """The room behind `apexline.X...`; a name that is no room is the top level's own."""
    name = module.split(".")[1] if "." in module else "apexline"
    return name if name in MAY_IMPORT or name == "_core" else "apexline"


def sources(room: str) -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if room_of(path) == room]


def test_every_room_is_known():
    assert {room_of(path) for path in PACKAGE.rglob("*.py")} <= MAY_IMPORT.keys()


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_rooms_below_it(room):
    for source in sources(room):
        modules = [name for name in imported_modules(source) if top(name) == "apexline"]
        wrong = {name for name in modules if room_imported(name) not in MAY_IMPORT[room] | {room}}
        assert not wrong, f"{source.relative_to(ROOT)} imports {wrong}"


@pytest.mark.parametrize("room", ["apexline", "replay"])
def test_importing_the_replay_imports_numpy_alone(room):
    allowed = {"apexline", "numpy", *sys.stdlib_module_names}
    for source in sources(room):
        if source == DEVICE_PREFETCHER:
            continue
        modules = imported_modules(source, among=statements_of_importing)
        wrong = {name for name in modules if top(name) not in allowed}
        assert not wrong, f"{source.relative_to(ROOT)} imports {wrong}"


def test_torch_is_imported_only_for_tensor_batches_and_by_the_device_prefetcher():
    importing = {path.name for path in sources("replay") if "torch" in {*map(top, imported_modules(path))}}
    assert importing == {"batch.py", DEVICE_PREFETCHER.name}
    for source in sources("replay"):
        assert source == DEVICE_PREFETCHER or "apexline.replay.device" not in " ".join(
            imported_modules(source)
        )


@pytest.mark.parametrize(("room", "package"), [("racing", "torch"), ("agent", "gymnasium")])
def test_a_room_does_without(room, package):
    for source in sources(room):
        assert package not in {*map(top, imported_modules(source))}, source


def includes(source: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', source.read_text(), re.MULTILINE)


def cpp_sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in {".hpp", ".cpp"})


def test_only_the_bindings_know_python():
    python_headers = re.compile("pybind11|Python.h")
    bound = {path.parent for path in cpp_sources(CPP) if any(map(python_headers.match, includes(path)))}
    assert bound == {CPP / "bindings", CPP / "bindings_testing"}


@pytest.mark.parametrize("room", CPP_MAY_INCLUDE)
def test_a_room_of_the_core_includes_only_rooms_below_it(room):
    for source in cpp_sources(CPP / room):
        rooms = {cpp_room_of(name) for name in includes(source)} - {""}
        wrong = rooms - CPP_MAY_INCLUDE[room] - {room}
        if cpp_room_of(str(source.relative_to(CPP))) == room:
            assert not wrong, f"{source.relative_to(ROOT)} includes {wrong}"


def cpp_room_of(path: str) -> str:
    """The longest folder of CPP_MAY_INCLUDE that holds it."""
    return max((room for room in CPP_MAY_INCLUDE if path.startswith(f"{room}/")), key=len, default="")


def test_every_room_of_the_core_is_known():
    folders = {path.relative_to(CPP).parts[0] for path in cpp_sources(CPP)}
    assert folders - {"bindings", "bindings_testing", "tests"} == {
        room.partition("/")[0] for room in CPP_MAY_INCLUDE
    }
