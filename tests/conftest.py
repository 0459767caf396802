"""Small data and networks that the tests share."""

import ctypes
import importlib
import os
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import dasbe
from dasbe.ann.architecture import Architecture
from dasbe.ann.autoencoder import Autoencoder
from dasbe.datasets import generate, make_dataset
from dasbe.datasets.mnist import load_digits
from dasbe.support.commands import COMMANDS, OPTIONS, main, run_command
from dasbe.support.parser import Parser
from dasbe.support.storage import one_at_a_time
from dasbe.train.denoising import train
from dasbe.train.recipes import Recipe

IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ  # one of several processes that share the tests, a file each
LONGEST = (
    "sweep",
    "figures",
    "training",
    "readme",
    "datasets",
    "commands",
    "evaluate",
    "systems",
    "bad_calls",
    "installed",
)


def pytest_configure():
    """Workers share the cores. The environment counts as activated: messages then say ``python``, wherever it lies."""
    os.environ["VIRTUAL_ENV"] = sys.prefix
    if IS_WORKER:
        n_threads = max((os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]), 1)
        torch.set_num_threads(int(os.environ.setdefault("OMP_NUM_THREADS", str(n_threads))))


def pytest_ignore_collect(collection_path, config):
    """Of quick tests alone, what has none is not even imported."""
    if config.option.markexpr == "quick" and collection_path.match("test_*.py"):
        return "mark.quick" not in collection_path.read_text(encoding="utf-8") or None


def pytest_collection_modifyitems(config, items):
    """No test is quick that is slow or has to train a network. Workers begin with the files that take longest."""
    if config.option.markexpr == "quick":
        config.option.markexpr = "quick and not slow"
        needs_training = [item for item in items if "trained" in item.fixturenames]
        config.hook.pytest_deselected(items=needs_training)
        items[:] = [item for item in items if item not in needs_training]
    if IS_WORKER:
        places = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
        items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture(scope="session")
def shapes():
    """(images, groups), (40, 28, 28) each, drawn as the shapes dataset is."""
    name, arrays = next(generate("shapes", {"multi": 40, "test": 1, "single": 1}))
    assert name == "train_multi"
    return arrays["default"], arrays["groups"]


@pytest.fixture(scope="session")
def home_with_shapes(tmp_path_factory):
    """A DASBE_HOME with the networks of the repository and the first 100 images of shapes."""
    home = tmp_path_factory.mktemp("home")
    (home / "tmp_net").symlink_to(Path(__file__).resolve().parent.parent / "tmp_net")
    make_dataset("shapes", home / "tmp_data", {"multi": 100, "test": 1, "single": 1}, progress=False)
    return home


@pytest.fixture(scope="session")
def missing_digits():
    """What is said where there is no MNIST, which is looked for once; else nothing."""
    try:
        for part in ("train", "t10k"):
            load_digits(part)
    except dasbe.MissingFileError as error:
        return str(error)
    return ""


@pytest.fixture(scope="session")
def single_shapes():
    """(3000, 28, 28) images of one shape each."""
    blocks = generate("shapes", {"multi": 1, "test": 1, "single": 3000})
    return dict(blocks)["train_single"]["default"]


@pytest.fixture(scope="session")
def trained(single_shapes, tmp_path_factory):
    """A network that binds: a few seconds of training, once for all workers; AMI about 80 %."""
    folder = tmp_path_factory.getbasetemp()
    file = (folder.parent if IS_WORKER else folder) / "trained.pt"
    with one_at_a_time(file):
        if not file.exists():
            recipe = Recipe("shapes", (), 128, corruption=(0.4, 0.6), epochs=12, batch=128)
            torch.save(train(recipe, single_shapes)[0], file)
    return torch.load(file, weights_only=False)


@pytest.fixture
def random_network():
    """Untrained network for 28×28 images; `make(spiking=…, recurrent=…, dtype=…)`."""

    def make(spiking=False, dtype=torch.float32, image_shape=(28, 28), hidden=(50,), recurrent=False):
        with torch.random.fork_rng():
            torch.manual_seed(5)
            architecture = Architecture(image_shape, hidden, 60, spiking=spiking, recurrent=recurrent)
            network = Autoencoder(architecture).to(dtype)
        with torch.no_grad():  # lively latent neurons, feedback around one spike a cycle
            network.encoder[-2].weight *= 4
            network.decoder[-2].bias -= 2.5
        return network

    return make


@pytest.fixture
def parser_of(monkeypatch):
    """`parser_of(command)`: the parser with which a command, given by its name or its module, reads its options."""

    class Made(Exception):
        pass

    def stop(parser, *arguments):
        raise Made(parser)

    programs = {of.program.removeprefix("-m "): name for name, of in COMMANDS.items()} | {"dasbe_example.py": "bind"}
    names = {program.removesuffix(".py").replace("/", "."): name for program, name in programs.items()}

    def parser(command):
        name = command if command in COMMANDS else names.get(command)
        with monkeypatch.context() as patch:
            patch.setattr(Parser, "parse_args", stop)
            with pytest.raises(Made) as made:
                if name:
                    getattr(importlib.import_module(OPTIONS), name)("")
                else:
                    getattr(importlib.import_module(command), entry_of(command))()
        return made.value.args[0]

    return parser


def entry_of(module):
    """The name of the function of a module that reads options, and works."""
    return "choose" if module == "dasbe.__main__" else "main"


@pytest.fixture
def refused(monkeypatch, capsys):
    """`refused(home, program, *options)`: the one line with which a command, run in this process, refuses its input.

    `program` is the name of a command, or of a module that has a `main`.
    """

    def run(home, program, *options):
        monkeypatch.setenv("DASBE_HOME", str(home))
        monkeypatch.setattr(sys, "argv", [program, *map(str, options)])
        capsys.readouterr()
        interrupt = signal.getsignal(signal.SIGINT)
        monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
        with pytest.raises(SystemExit) as ended:
            run_command(
                partial(main, program)
                if program in COMMANDS
                else getattr(importlib.import_module(program), entry_of(program))
            )
        signal.signal(signal.SIGINT, interrupt)  # of which a command that has ended takes no notice
        lines = capsys.readouterr().err.strip().splitlines()
        assert ended.value.code == 2 and lines and lines[-1].startswith("error: "), lines
        assert not [line for line in lines[:-1] if "images" not in line], lines  # progress bars apart
        return lines[-1]

    return run


@pytest.fixture
def bound_by_permissions():
    """For ``preexec_fn``: takes from root the right to write where it may not, in the program that is to be run."""
    if os.name != "posix" or (os.geteuid() == 0 and sys.platform != "linux"):
        pytest.skip("permissions bind nobody here")
    system = ctypes.CDLL(None)

    def bind():
        if sys.platform == "linux":
            system.prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE

    return bind


@pytest.fixture
def rng():
    return np.random.default_rng(0)
