"""The floors of the house: no import runs upwards, and each wing keeps to itself."""

import ast
import importlib
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
COMMANDS_ALONE = ("experiments", "train")  # rooms whose modules are not attributes


# Files that one other imports, and why they are files.
ALONE = {
    "binding.kmeans": "an algorithm with a contract of its own, tested against a literal form",
    "datasets.benchmark_sets": "the sets of others, beside the generators of the paper's, which are bit for bit",
    "datasets.variations": "images, not scores: what the experiment varies",
    "engine.phases": "a kernel, beside the kernels, not beside the system that it speeds up",
    "engine.pulse_coupled": "a kernel, beside the kernels, not beside the system that it speeds up",
    "experiments.ablation": "a command, whose procedure another command uses",
    "systems.reconstruction_clustering": "a system, of which another is made",
    "train.side_by_side": "processes, which training itself knows nothing of",
}
MOST_NAMES, MOST_FILES, MOST_LINES, MOST_ARROWS = 14, 107, 19_540, 80


def name_of(path):
    """Dotted name of a module below the package: ``ann/weights.py`` → ``ann.weights``; of the package itself, ""."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module):
    """Room of a module: ``ann.weights`` → ``ann``."""
    return module.split(".")[0]


def imported_by(source):
    """(module of the package, line) for every import of the package in `source`, also within functions."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == "dasbe":
                below = name.partition(".")[2]
                while below and below not in MODULES:  # something in a module
                    below = below.rpartition(".")[0]
                yield below, node.lineno


IMPORTS = [
    (name, imported, line)
    for name, path in MODULES.items()
    for imported, line in imported_by(path.read_text(encoding="utf-8"))
    if imported != name
]


def upward(edges):
    """Those of `edges` between rooms that do not run downwards; the face of the package serves experiments alone."""
    return [
        (a, b) for a, b in edges if a != b and (a != "experiments" if not b else FLOOR.get(b, 99) >= FLOOR.get(a, -1))
    ]


def test_every_room_has_a_floor():
    assert {room_of(name) for name in MODULES} - {""} == set(FLOOR) and len(FLOOR) <= MOST_NAMES


def test_no_import_runs_upwards():
    edges = {(room_of(name), room_of(imported)) for name, imported, _ in IMPORTS if name}
    assert 40 < len(edges) <= MOST_ARROWS and upward(edges) == []
    assert upward([("snn", "engine"), ("engine", "snn"), ("ann", ""), ("experiments", "")]) == [
        ("snn", "engine"),
        ("ann", ""),
    ]


def test_imports_that_wait_are_seen():
    seen = {(name, imported) for name, imported, _ in IMPORTS}
    assert ("__main__", "support.parser") in seen  # in a function
    assert ("datasets", "datasets.files") in seen  # for type checkers
    assert [*imported_by("def f():\n    from dasbe.ann import weights")] == [("ann.weights", 2)]


def test_no_file_is_in_a_circle():
    """A face that imports lazily is in none: type checkers alone see what it imports."""
    below = {name: {b for a, b, _ in IMPORTS if a == name and MODULES[b].name != "__init__.py"} for name in MODULES}
    while gone := [name for name, names in below.items() if not names]:
        below = {name: names - {*gone} for name, names in below.items() if name not in gone}
    assert below == {}


def test_no_file_name_stands_twice():
    names = [path.name for path in MODULES.values() if not path.name.startswith("_")]
    assert sorted(set(names)) == sorted(names)


def test_files_that_one_other_imports_say_why_they_are_files():
    importers = {name: {a for a, b, _ in IMPORTS if b == name} for name in MODULES}
    faces = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    alone = {name for name, of in importers.items() if len(of) == 1 and not of & faces and name not in faces}
    assert alone == set(ALONE)


def test_the_house_stays_small():
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES.values())
    assert len(MODULES) <= MOST_FILES and lines <= MOST_LINES, "raise a budget only with its reason in the commit"


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
    names = [name for name, path in MODULES.items() if path.name[0] != "_" and room_of(name) not in COMMANDS_ALONE]
    code = "import sys, operator, dasbe; assert not {'numpy', 'torch', 'h5py'} & {*sys.modules}\n"
    code += "for name in sys.argv[1:]: assert operator.attrgetter(name)(dasbe) is sys.modules['dasbe.' + name]\n"
    code += "for known in (dasbe, dasbe.datasets, dasbe.engine): assert not hasattr(known, 'nothing')"
    command = [sys.executable, "-c", code, *names]
    result = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent)
    assert len(names) > 50 and result.returncode == 0, result.stderr


def test_the_definition_needs_nothing_of_the_package():
    assert [edge for edge in IMPORTS if edge[0] == "definition"] == []
    code = "import sys; import importlib.util as u; s = u.spec_from_file_location('definition', sys.argv[1]); "
    code += "m = u.module_from_spec(s); s.loader.exec_module(m); assert 'dasbe' not in sys.modules; print(m.V)"
    path = PACKAGE / "definition.py"
    result = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, cwd=PACKAGE.parent.parent
    )
    assert result.stdout.strip() == "1.00001", result.stderr


def test_no_module_is_shadowed_by_a_function():
    for name, path in MODULES.items():
        if path.name.startswith("_"):
            continue
        module = importlib.import_module(f"dasbe.{name}")
        parent, _, last = module.__name__.rpartition(".")
        assert getattr(sys.modules[parent], last) is module, f"{name} is hidden by something of the same name"
