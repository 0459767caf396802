"""The floors of the house: no import runs upwards, and each wing keeps to itself."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dasbe

pytestmark = pytest.mark.quick

PACKAGE = Path(dasbe.__file__).parent
# From the ground up: a room may import those below it, and none beside or above it.
FLOORS = (
    ("definition", "support"),
    ("snn",),
    ("ann",),
    ("engine", "datasets"),
    ("binding",),
    ("metrics", "systems"),
    ("plotting",),
    ("evaluation",),
    ("train",),
    ("experiments",),
    ("__main__",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def room_of(module):
    """Room of a dotted name of the package: ``dasbe.ann.weights`` → ``ann``."""
    return module.split(".")[1]


def imports():
    """(room, room it imports, where) for every import of the package by itself.

    Those within functions, for type checkers, and of places written as ``"dasbe.MODULE:NAME"`` are included.
    """
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module == "dasbe":
                names = [f"dasbe.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            elif isinstance(node, ast.Constant) and re.fullmatch(r"dasbe(\.\w+)+:\w+", str(node.value)):
                names = [node.value.partition(":")[0]]
            for name in names:
                if name and name.split(".")[0] == "dasbe":
                    yield room, room_of(name) if "." in name else "dasbe", f"{path.name}:{node.lineno}"


def upward(edges):
    """Those of `edges` that do not run downwards."""
    return [edge for edge in edges if edge[0] != edge[1] and FLOOR.get(edge[1], 99) >= FLOOR.get(edge[0], -1)]


def test_every_room_has_a_floor():
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}
    assert rooms - {"__init__"} == set(FLOOR)


def test_no_import_runs_upwards():
    edges = list(imports())
    assert len(edges) > 100 and upward(edges) == []
    assert upward([("snn", "engine", "planted"), ("engine", "snn", "fine")]) == [("snn", "engine", "planted")]


def test_imports_that_wait_are_seen():
    seen = {(room, imported, where.partition(":")[0]) for room, imported, where in imports()}
    assert ("train", "ann", "recipe.py") in seen  # for type checkers, and in a function
    assert ("experiments", "plotting", "figure2.py") in seen  # in a command's `main`
    assert ("datasets", "snn", "scenes.py") in seen  # in a function


@pytest.mark.parametrize("package", ["dasbe", "dasbe.datasets", "dasbe.systems"])
def test_type_checkers_see_what_is_imported_lazily(package):
    module = importlib.import_module(package)
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    block = next(node.body for node in tree.body if isinstance(node, ast.If))
    call = next(node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
    places = {name: place for place, names in ast.literal_eval(call.args[1]).items() for name in names}
    assert places == {alias.name: node.module.removeprefix(f"{package}.") for node in block for alias in node.names}
    assert places.keys() <= {*module.__all__} <= {*dir(module)}
    for name in module.__all__:
        assert getattr(module, name) is getattr(module, name) is not None


def test_plain_import_takes_no_time_and_leads_everywhere():
    """Modules are attributes: all but those of commands."""
    paths = [path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py") if path.name[0] != "_"]
    names = [".".join(path.parts) for path in paths if path.parts[0] not in ("experiments", "train")]
    code = "import sys, operator, dasbe; assert not {'numpy', 'torch', 'h5py'} & {*sys.modules}\n"
    code += "for name in sys.argv[1:]: assert operator.attrgetter(name)(dasbe) is sys.modules['dasbe.' + name]\n"
    code += "for known in (dasbe, dasbe.datasets, dasbe.engine): assert not hasattr(known, 'nothing')"
    command = [sys.executable, "-c", code, *names]
    result = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent)
    assert len(names) > 50 and result.returncode == 0, result.stderr


def test_the_definition_needs_nothing_of_the_package():
    assert [edge for edge in imports() if edge[0] == "definition"] == []
    code = "import sys; import importlib.util as u; s = u.spec_from_file_location('definition', sys.argv[1]); "
    code += "m = u.module_from_spec(s); s.loader.exec_module(m); assert 'dasbe' not in sys.modules; print(m.V)"
    path = PACKAGE / "definition.py"
    result = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, cwd=PACKAGE.parent.parent
    )
    assert result.stdout.strip() == "1.00001", result.stderr


def test_no_module_is_shadowed_by_a_function():
    for path in PACKAGE.rglob("*.py"):
        if path.name in ("__init__.py", "__main__.py"):
            continue
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        __import__(name)
        *parents, last = name.split(".")
        parent = sys.modules[".".join(parents)]
        assert getattr(parent, last) is sys.modules[name], f"{name} is hidden by something of the same name"
