"""The package without its repository: what a wheel holds, and what an installed package does in an empty folder."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from pkgutil import resolve_name

import pytest

import dasbe
from dasbe.ann.weights import load_network, save_network
from dasbe.support import commands, paths
from dasbe.support.commands import COMMANDS, DRIVERS, typed

ROOT = Path(__file__).resolve().parent.parent
BUILD = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Path of a wheel, built from a copy of the repository by the setuptools that is there."""
    checkout, out = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("wheel")
    for name in ("dasbe", "tmp_net", "notebooks/table1", "tests"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__", "*.checkpoint*"))
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    result = subprocess.run([sys.executable, "-c", BUILD, out], cwd=checkout, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    shutil.copy(checkout / "dasbe.egg-info" / "SOURCES.txt", out)
    assert not (checkout / "dasbe" / "networks").exists()
    return out / result.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Folder in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--target", folder]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, wheel], check=True)
    return folder


@pytest.fixture
def run(installed, tmp_path):
    """`run(*arguments)`: Python with the installed package, in an empty folder, of a user whose home is empty."""
    (tmp_path / "user").mkdir()
    (tmp_path / "empty").mkdir()

    def run(*arguments, **variables):
        ours = ("DASBE_HOME", "XDG_CACHE_HOME", "PYTHONSAFEPATH")
        environment = {name: value for name, value in os.environ.items() if name not in ours}
        environment |= {"PYTHONPATH": str(installed), "HOME": str(tmp_path / "user"), **variables}
        place = {"cwd": tmp_path / "empty", "env": environment}
        return subprocess.run([sys.executable, *map(str, arguments)], **place, capture_output=True, text=True)

    return run


@pytest.fixture
def script(installed):
    """The console script."""
    return installed / "bin" / "dasbe"


def test_a_wheel_has_all_that_the_package_needs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {member.filename: member for member in archive.infolist()}
        assert (
            "dasbe = dasbe.__main__:run"
            in archive.read(f"dasbe-{dasbe.__version__}.dist-info/entry_points.txt").decode()
        )
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "dasbe").rglob("*.py")}
    networks = {
        f"dasbe/networks/{path.name}": path for path in (ROOT / "tmp_net").iterdir() if path.suffix in (".pt", ".json")
    }
    others = {"dasbe/py.typed", "dasbe/experiments/table1_scores.npz"}
    others |= {f"dasbe/binding/{name}" for name in ("colours.js", "live.html", "live.js", "page.html")}
    others |= {f"dasbe/plotting/fonts/{name}" for name in ("Inter-Regular.ttf", "Inter-Bold.ttf", "OFL.txt")}
    assert {name for name in held if ".dist-info/" not in name} == modules | networks.keys() | others
    assert len(networks) == 34
    assert all(held[name].file_size == path.stat().st_size for name, path in networks.items())


def test_a_source_distribution_has_what_a_wheel_is_built_from_and_no_tests(wheel):
    sources = (wheel.parent / "SOURCES.txt").read_text(encoding="utf-8").splitlines()
    assert {"setup.py", "tmp_net/shapes.pt", "tmp_net/shapes.json", "notebooks/table1/scores.npz"} < {*sources}
    assert [name for name in sources if name.startswith("tests")] == []


def test_an_installed_package_has_its_networks_and_keeps_data_in_the_cache(run, installed, tmp_path):
    code = """
import dasbe
from dasbe.experiments.table1 import stored_scores
print(dasbe.__file__, dasbe.load_network("shapes").architecture, stored_scores(), sep="\\n")
try:
    dasbe.load_dataset("bars")
except dasbe.MissingFileError as error:
    print(error)
"""
    result = run("-c", code)
    assert result.returncode == 0, result.stderr
    file, architecture, scores, line = result.stdout.splitlines()
    assert Path(file).parent.parent == installed and "784–400" in architecture
    assert (ROOT / "notebooks" / "table1" / "scores.npz").read_bytes() == Path(scores).read_bytes()
    place = tmp_path / "user" / ".cache" / "dasbe" / "tmp_data" / "bars.h5"
    assert line == f"{line.partition(' /')[0]} {place} is not there; make it with: dasbe datasets bars"


def test_the_console_script_is_fast_and_says_how_it_was_called(run, script, tmp_path):
    for name in COMMANDS:
        result = run("-X", "importtime", script, name, "--help")
        assert result.returncode == 0 and result.stdout.startswith(f"usage: dasbe {name} "), name
        assert not re.search(r"\| +(torch|h5py|matplotlib|numba|scipy|pandas)$", result.stderr, re.MULTILINE), name
    assert run("-m", "dasbe", "datasets", "--help").stdout.startswith("usage: python -m dasbe datasets ")
    assert run("-m", "dasbe.datasets", "--help").stdout.startswith("usage: python -m dasbe.datasets ")
    assert run(script, "--version").stdout == f"dasbe {dasbe.__version__}\n"
    wrong = run(script, "circles")
    assert wrong.returncode == 2 and wrong.stderr.startswith("error: COMMAND 'circles' is unknown; choose one of bind,")
    tool = run(script, "card")
    line = "error: card is a tool of the repository; run it in a clone of that\n"
    assert (tool.returncode, tool.stderr) == (2, line)
    assert not [*(tmp_path / "empty").iterdir()] and not [*(tmp_path / "user").iterdir()]


def test_training_finds_the_networks_of_an_installed_package(run, script, installed, tmp_path):
    trained = run(script, "train", "bars")
    assert trained.returncode == 0, trained.stderr
    place = installed / "dasbe" / "networks" / "bars.pt"
    assert trained.stdout.startswith(f"bars: {place} was trained by this recipe; --force trains it again\n")
    assert not [*(tmp_path / "empty").iterdir()]


@pytest.fixture
def shipped(tmp_path, monkeypatch, random_network):
    """Folder of the networks of a package that counts as installed: "shapes", which says that it was shipped."""
    folder = tmp_path / "networks"
    save_network(folder / "shapes.pt", random_network(), {"from": "package"})
    monkeypatch.setattr(paths, "SHIPPED_NETWORKS", folder)
    monkeypatch.setenv("DASBE_HOME", str(tmp_path / "home"))
    return folder


@pytest.mark.quick
def test_a_network_of_the_users_own_goes_before_the_one_of_the_package(shipped, tmp_path, random_network):
    own = tmp_path / "home" / "tmp_net" / "shapes.pt"
    assert load_network("shapes").description["from"] == "package" and paths.own_or_shipped(own).parent == shipped
    elsewhere = tmp_path / "shapes.pt"
    assert paths.own_or_shipped(elsewhere) == elsewhere
    save_network(own, random_network(), {"from": "user"})
    save_network(own.with_name("mine.pt"), random_network(), {"from": "user"})
    assert load_network("shapes").description["from"] == "user" and paths.own_or_shipped(own) == own
    with pytest.raises(dasbe.MissingFileError, match="choose one of mine, shapes, give the path .* dasbe train NAME$"):
        load_network("circles")


@pytest.mark.quick
def test_networks_of_a_repository_are_those_of_its_home_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("DASBE_HOME", str(tmp_path))
    with pytest.raises(dasbe.MissingFileError, match="network 'shapes' is not there"):
        load_network("shapes")


@pytest.mark.quick
def test_where_an_installed_package_keeps_its_files(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert paths.repository() is None and paths.results_folder() == tmp_path / "home" / "results"
    monkeypatch.delenv("DASBE_HOME")
    assert paths.results_folder() == tmp_path / "results"
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert paths.home() == tmp_path / "cache" / "dasbe"
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setattr(sys, "platform", "linux")
    assert paths.home() == tmp_path / "user" / ".cache" / "dasbe"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert paths.data_folder() == tmp_path / "user" / "Library" / "Caches" / "dasbe" / "tmp_data"
    monkeypatch.setattr(Path, "home", lambda: Path("~no such user").expanduser())
    with pytest.raises(dasbe.InputError, match="no home folder .*; set DASBE_HOME to a folder$"):
        paths.home()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(dasbe.InputError, match="results/heldout cannot be .* name another one with DASBE_HOME$"):
        paths.check_writable(paths.results_folder() / "heldout")


@pytest.mark.quick
@pytest.mark.parametrize("installed", [False, True], ids=["repository", "installed"])
def test_messages_name_commands_that_the_reader_has(installed, tmp_path, monkeypatch):
    if installed:
        monkeypatch.setattr(paths, "SHIPPED_NETWORKS", tmp_path)
    for first, main, table, data in (
        ("script.py", None, "dasbe table1" if installed else "./table1.sh", None),
        ("dasbe bind", None, "dasbe table1", "dasbe datasets bars"),
        ("python -m dasbe bind", "dasbe.__main__", "python -m dasbe table1", "python -m dasbe datasets bars"),
        ("", "dasbe.train.__main__", "python -m dasbe.experiments.table1" if installed else "./table1.sh", "python -m"),
    ):
        monkeypatch.setattr(sys, "argv", [first])
        spec = None if main is None else type("Spec", (), {"name": main})
        monkeypatch.setattr(sys.modules["__main__"], "__spec__", spec)
        assert typed("table1") == table, first
        usual = "dasbe datasets bars" if installed else "python -m dasbe.datasets bars"
        expected = {None: usual, "python -m": "python -m dasbe.datasets bars"}.get(data, data)
        assert typed("datasets", "bars") == expected, first


@pytest.mark.quick
def test_every_command_of_the_package_is_one_of_dasbes():
    found = {}
    for path in (*(ROOT / "dasbe").rglob("*.py"), *(ROOT / "scripts").glob("*.py")):
        program = path.relative_to(ROOT).as_posix()
        if program.startswith("dasbe/"):
            program = f"-m {program.removesuffix('.py').removesuffix('/__main__').replace('/', '.')}"
        for name in re.findall(r'^    run\("(\w+)"\)$', path.read_text(encoding="utf-8"), re.MULTILINE):
            found[program] = name
    assert {command.program: name for name, command in COMMANDS.items()} == found
    options = importlib.import_module(commands.OPTIONS)
    for name, command in COMMANDS.items():
        assert callable(getattr(options, name)) and callable(resolve_name(command.work))
    assert all((ROOT / driver).is_file() for driver in DRIVERS.values())
    assert commands.entry() == ""
