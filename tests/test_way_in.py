"""What a user tries first: forms of images, own modules, parts of a run; what commands say, and when."""

import contextlib
import io
import re
import sys
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

import dasbe
from dasbe.binding.loop import bind
from dasbe.datasets import mnist, store
from dasbe.evaluation import timing
from dasbe.evaluation.tables import aligned
from dasbe.experiments import table1
from dasbe.support import commands, progress
from dasbe.support.errors import InputWarning
from dasbe.systems import SYSTEMS

RNG = np.random.default_rng(0)
IMAGES = (RNG.random((6, 8, 9)) < 0.3).astype(np.uint8)
GREY = 0.1 + 0.6 * IMAGES + 0.2 * RNG.random(IMAGES.shape)
TIMES = {"delay": 14, "refractory": 3, "cycles": 5}


def dimmed(x):
    return 0.3 * x


class Pairs(Dataset):
    """Images with a channel axis, each with a target."""

    def __init__(self, images=IMAGES):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, number):
        return torch.tensor(self.images[number], dtype=torch.float32)[None], 7


FORMS = {
    "a channel axis": IMAGES[:, None],
    "a tensor": torch.from_numpy(IMAGES)[:, None].float(),
    "a TensorDataset": TensorDataset(torch.from_numpy(IMAGES), torch.arange(6)),
    "a Dataset of pairs": Pairs(),
    "a Subset": Subset(Pairs(np.concatenate([IMAGES[3:], IMAGES[:3]])), [3, 4, 5, 0, 1, 2]),
    "a DataLoader that shuffles": DataLoader(Pairs(), batch_size=4, shuffle=True),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_images_in_the_forms_of_pytorch_are_the_same_images(form):
    expected = dasbe.segment(IMAGES, dimmed, n_objects=2, **TIMES)
    np.testing.assert_array_equal(dasbe.segment(form, dimmed, n_objects=2, **TIMES), expected)
    run = dasbe.bind(form, dimmed, **TIMES)
    np.testing.assert_array_equal(run.images, IMAGES)
    given = {"recipe": dasbe.Recipe(epochs=1, latent=4, batch=2), "progress": False}
    one, other = (dasbe.train_network(images, **given) for images in (IMAGES, form))
    assert torch.equal(one.decoder[0].weight, other.decoder[0].weight)


def test_one_frame_is_a_still_image_and_more_are_a_film():
    assert dasbe.bind(IMAGES[:, None], dimmed, **TIMES).images.shape == IMAGES.shape
    films = np.repeat(IMAGES[:, None], 5, 1)
    assert dasbe.bind(films, dimmed, delay=14, refractory=3).images.shape == films.shape
    evaluation = dasbe.evaluate(IMAGES[:, None], IMAGES[:, None], dimmed, **TIMES)
    assert evaluation.scores["dasbe"]["ami"].shape == (1, 6)


class Fails(Pairs):
    def __getitem__(self, number):
        raise RuntimeError("no such file")


class Uneven(Pairs):
    def __getitem__(self, number):
        return self.images[number] if number else self.images[number].astype(float)


class Endless(torch.utils.data.IterableDataset):
    def __iter__(self):
        while True:
            yield IMAGES[0]


@pytest.mark.parametrize(
    "images, reason",
    [
        (Fails(), r"images\[0\] cannot be read \(RuntimeError: no such file\)"),
        (Uneven(), r"images\[1\] is an array of shape \(8, 9\) and type uint8, and .* float64; make them alike"),
        (Endless(), "Endless without images, or of unknown length"),
        (DataLoader(Pairs(), sampler=[0, 1]), "chooses images"),
        (DataLoader(Pairs(), collate_fn=list), "changes or chooses"),
        (Pairs(GREY), "grey or in colour, but DASBE takes 0 and 1; make them so with dasbe.binarise"),
        (IMAGES[..., None], "leave the channel axis out"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_taken_is_named(images, reason):
    with pytest.raises(dasbe.InputError, match=reason):
        dasbe.segment(images, dimmed, n_objects=1, **TIMES)


class TestBinarise:
    @pytest.mark.parametrize("scale", [lambda x: x, lambda x: (255 * x).astype(np.uint8), lambda x: 3 * x - 9])
    def test_of_any_range_it_finds_the_ink(self, scale):
        for form in (scale(GREY), scale(GREY)[:, None], torch.from_numpy(scale(GREY))):
            found = dasbe.binarise(form)
            np.testing.assert_array_equal(found, IMAGES)
            assert found.dtype == np.uint8
        np.testing.assert_array_equal(dasbe.binarise(scale(GREY)[0]), IMAGES[0])

    def test_it_is_the_rule_of_load_image(self, tmp_path):
        values = (255 * GREY).astype(np.uint8)
        for threshold in (None, 0.3, 0.9):
            for i, image in enumerate((values[0], 255 - values[1])):
                Image.fromarray(image).save(tmp_path / f"{i}.png")
                found = dasbe.binarise(image, threshold)
                np.testing.assert_array_equal(found, dasbe.load_image(tmp_path / f"{i}.png", threshold=threshold))

    def test_what_is_binary_stays(self):
        for images in (IMAGES, 1 - IMAGES, IMAGES > 0, IMAGES.astype(float)):
            np.testing.assert_array_equal(dasbe.binarise(images), images)

    def test_a_blank_image_has_no_ink_and_is_named(self):
        given = GREY.copy()
        given[[1, 4]] = 0.5
        with pytest.warns(InputWarning, match=r"^images\[1\] and 1 more have no ink: .*equally bright"):
            found = dasbe.binarise(given)
        assert found.any((1, 2)).tolist() == [True, False, True, True, False, True]

    def test_doubt_and_other_forms_are_refused(self):
        for images, reason in (
            (np.concatenate([GREY, 1 - GREY]), r"images\[6\] has ink that is dark, that of images\[0\] is bright"),
            (np.linspace(0, 1, 80).reshape(1, 8, 10), r"images\[0\] has .* give a threshold"),
            (np.ones((8, 8, 3)) / 2, "without colours"),
            (np.ones((2, 3, 8, 8)) / 2, "without colours"),
            (np.full((8, 8), np.nan), "hold nan"),
        ):
            with pytest.raises(dasbe.InputError, match=reason):
                dasbe.binarise(images)


class TestOwnFiles:
    @pytest.mark.parametrize("write", [np.save, np.savez], ids=["npy", "npz of one array"])
    def test_one_array_is_images(self, tmp_path, write, monkeypatch):
        monkeypatch.chdir(tmp_path)
        name = "./mine.npy" if write is np.save else "./mine.npz"
        write(name, IMAGES[:, None])
        np.testing.assert_array_equal(dasbe.load_dataset(name, start=1, stop=3)[0], IMAGES[1:3])
        write(name, GREY)
        with pytest.raises(dasbe.FileContentError, match="binarise them, with threshold="):
            dasbe.load_dataset(name)
        np.testing.assert_array_equal(dasbe.load_dataset(name, threshold=0.5)[0], IMAGES)

    def test_an_array_of_objects_is_not_unpickled(self, tmp_path):
        np.save(tmp_path / "x.npy", np.array([print], object), allow_pickle=True)
        with pytest.raises(dasbe.FileContentError, match="x.npy is damaged"):
            dasbe.load_dataset(tmp_path / "x.npy")

    def test_a_blank_picture_does_not_stop_a_folder(self, tmp_path):
        for number, image in enumerate([np.zeros((8, 9)), *IMAGES[:2]]):
            Image.fromarray((255 * image).astype(np.uint8)).save(tmp_path / f"{number}.png")
        with pytest.warns(InputWarning, match=r"0.png has no ink: all its pixels are equally bright$"):
            images, _ = dasbe.load_dataset(tmp_path)
        np.testing.assert_array_equal(images, [np.zeros((8, 9)), *IMAGES[:2]])
        for number in (1, 2):
            (tmp_path / f"{number}.png").unlink()
        with pytest.raises(dasbe.InputError, match="none of these 1 pictures has ink"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dasbe.load_dataset(tmp_path)

    def test_a_threshold_is_for_ones_own_files(self):
        with pytest.raises(dasbe.InputError, match="threshold is 0.5, but name is not the path of a file"):
            dasbe.load_dataset("shapes", threshold=0.5)


def module(activation=nn.Sigmoid):
    return nn.Sequential(nn.Linear(9, 4), nn.BatchNorm1d(4), activation(), nn.Linear(4, 9), nn.Sigmoid())


class TestOwnModules:
    def test_weights_and_buffers_come_back(self, tmp_path):
        one, other = module(), module()
        one(torch.rand(5, 9))  # moves the statistics
        dasbe.save_network(tmp_path / "own.pt", one, {"remark": "ours"})
        assert dasbe.load_network(tmp_path / "own.pt", network=other) is other and not other.training
        assert all(torch.equal(value, other.state_dict()[key]) for key, value in one.state_dict().items())
        assert other.description["remark"] == "ours"
        with pytest.raises(dasbe.InputError, match=r"is a module Sequential\(.*; give one like it"):
            dasbe.load_network(tmp_path / "own.pt")

    def test_another_module_is_refused_or_warned_of(self, tmp_path):
        dasbe.save_network(tmp_path / "own.pt", module())
        smaller = nn.Sequential(nn.Linear(9, 3), *list(module())[1:])
        before = smaller[0].weight.clone()
        with pytest.raises(
            dasbe.FileContentError, match=r"it has \(4, 9\) for the weights 0.weight, and network \(3, 9"
        ):
            dasbe.load_network(tmp_path / "own.pt", network=smaller)
        assert torch.equal(smaller[0].weight, before)
        with pytest.warns(InputWarning, match="was saved with other layers"):
            dasbe.load_network(tmp_path / "own.pt", network=module(nn.Tanh))


class TestRun:
    @pytest.fixture
    def run(self):
        r = np.random.default_rng(1).integers(2, 5, IMAGES.shape)
        return dasbe.bind(IMAGES, dimmed, delay=14, refractory=r, cycles=5, last=3, record=("spikes", "feedback"))

    def test_its_parts_are_runs(self, run, tmp_path):
        assert len(run) == 6 == len(list(run))
        for chosen, numbers in ((2, [2]), (-1, [5]), (slice(1, 4), [1, 2, 3])):
            part = run[chosen]
            np.testing.assert_array_equal(part.spikes, run.spikes[numbers])
            np.testing.assert_array_equal(part.feedback, run.feedback[numbers])
            np.testing.assert_array_equal(part.parameters["refractory"], run.parameters["refractory"][numbers])
            part.save(tmp_path / "part.npz")
            np.testing.assert_array_equal(dasbe.load_run(tmp_path / "part.npz").spikes, part.spikes)
        for wrong in (6, "a", slice(3, 3)):
            with pytest.raises(dasbe.InputError, match="run"):
                run[wrong]

    def test_its_table_has_every_spike(self, run):
        table = run.to_frame()
        assert len(table) == run.spikes.sum()
        first = table.iloc[0]
        assert run.spikes[first.image, first.cycle - 2, first.step, first.row, first.column]
        assert (table.time == 14 * table.cycle + table.step).all() and table.cycle.min() == 2

    def test_the_number_of_objects_has_one_word(self, run):
        np.testing.assert_array_equal(dasbe.group(run, n_objects=2), dasbe.group(run, 3))
        with pytest.raises(dasbe.InputError, match="n_groups and n_objects are both given"):
            dasbe.group(run, 3, n_objects=2)

    def test_texts_are_short(self, run):
        for value in (run, run.trains, run.trains.foreground, SYSTEMS["dasbe"], SYSTEMS):
            assert len(repr(value)) < 600 and "\n" not in repr(value)


def test_phases_are_an_argument():
    settings = SYSTEMS["competing_phases"].settings(n_phases=3)
    for call in ({"n_phases": 3}, {"settings": settings}):
        found = dasbe.segment(IMAGES, dimmed, "competing_phases", n_objects=2, **call)
        np.testing.assert_array_equal(found, dasbe.segment(IMAGES, dimmed, "competing_phases", n_objects=2, n_phases=3))
    with pytest.raises(dasbe.InputError, match="n_phases is 3, but DASBE has no such setting"):
        dasbe.segment(IMAGES, dimmed, n_objects=2, **TIMES, n_phases=3)


class TestNetworksThatBindNothing:
    def test_an_untrained_network_is_warned_of(self):
        torch.manual_seed(0)
        layers = nn.Sequential(nn.Linear(72, 20), nn.ReLU(), nn.Linear(20, 72), nn.Sigmoid())
        for network in (layers, lambda x: torch.full_like(x, 0.4), torch.zeros_like):
            with pytest.warns(InputWarning, match="so it binds nothing; is it trained"):
                dasbe.bind(IMAGES, network, **TIMES)

    def test_images_that_all_end_as_one_group(self):
        images, groups = np.ones((4, 12, 12)), np.ones((4, 12, 12), int)
        groups[:, 6:] = 2
        for call in (partial(dasbe.segment, images), partial(dasbe.evaluate, images, groups, n_objects=None)):
            with pytest.warns(InputWarning, match="no more than one group in 4 of 4 images"):
                call(network=lambda x: torch.full_like(x, 0.4), delay=32, refractory=9, cycles=20)

    def test_no_word_where_nothing_is_wrong(self, recwarn):
        dasbe.bind(np.zeros_like(IMAGES), dimmed, **TIMES)  # nothing is shown
        dasbe.segment(IMAGES, dimmed, n_objects=1, **TIMES)
        for name in ("shapes", "bars", "multi_mnist"):
            network = dasbe.load_network(name)
            images = (RNG.random((4, *network.architecture.image_shape)) < 0.2).astype(np.uint8)
            dasbe.bind(images, network, **TIMES)
        assert not [one for one in recwarn if issubclass(one.category, InputWarning)]


def test_networks_that_are_slow_are_tried_on_fewer_images(monkeypatch):
    """Of those with linear ends nothing changes; a bar can be shown for both."""
    runs = []
    monkeypatch.setattr(timing, "bind", lambda images, **options: runs.append(len(images)) or bind(images, **options))
    monkeypatch.setattr(timing, "pairs", lambda: [(14, 5), (15, 6)])
    linear = dasbe.as_network(
        nn.Sequential(nn.Linear(72, 9), nn.Sigmoid()), nn.Sequential(nn.Linear(9, 72), nn.Sigmoid())
    )
    for network, expected in ((linear, [12, 12]), (dimmed, [8, 8, 4, 4])):
        runs.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trials = dasbe.suggest_timing(IMAGES, network).trials
        assert runs == expected and [trial.images for trial in trials] == [6, 6]


def test_a_raster_of_many_groups_is_no_larger_than_one_of_few():
    run = dasbe.bind(np.ones((1, 10, 10)), dimmed, **TIMES)
    figure = dasbe.plot_raster(run, (1 + np.arange(100) // 2).reshape(1, 10, 10))
    assert figure.get_figheight() <= 12 and len(figure.axes) == 2  # the groups, and the number of spikes
    rows = [part for part in figure.axes[0].collections if isinstance(part, LineCollection)]
    assert len({tuple(colour) for row in rows for colour in row.get_color()}) > 2


class TestProgress:
    def lines(self, monkeypatch, step, **options):
        """What a log has of a bar of 100 steps of so many seconds."""
        now = [1000.0]
        monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
        with contextlib.redirect_stderr(io.StringIO()) as log, progress.progress_bar(total=100, **options) as bar:
            for _ in range(100):
                now[0] += step
                bar.update()
                bar.set_postfix(loss="1")
        return log.getvalue().splitlines()

    def test_a_log_gets_few_lines(self, monkeypatch):
        assert len(self.lines(monkeypatch, 0.01)) == 1
        long = self.lines(monkeypatch, 3, desc="training")
        assert 8 <= len(long) <= 11 and all(line.startswith("training: ") for line in long)
        assert "100/100" in long[-1] and not any("\r" in line for line in long)
        assert self.lines(monkeypatch, 3, disable=True) == []

    def test_the_time_left_is_estimated_from_the_mean_rate(self):
        now = [0.0]
        with contextlib.redirect_stderr(io.StringIO()), progress.progress_bar(total=100, mininterval=0) as bar:
            bar._time, bar.start_t, bar.last_print_t = lambda: now[0], 0.0, 0.0
            for seconds in (*[1] * 10, 100):
                now[0] += seconds
                bar.update()
            assert "01:50<14:50, 10.00s/it" in str(bar)

    def test_a_terminal_gets_a_bar(self, monkeypatch):
        terminal = io.StringIO()
        terminal.isatty = lambda: True
        with contextlib.redirect_stderr(terminal):
            for _ in progress.progress_bar(range(3)):
                pass
        assert "\r" in terminal.getvalue()


class TestCommands:
    def test_help_names_what_was_typed(self, monkeypatch):
        monkeypatch.setenv("DASBE_COMMAND", "../figure2.sh")
        assert commands.called("figure2") == "../figure2.sh"
        assert commands.called("figure3") == "python -m dasbe.experiments.figure3"  # a script that calls another

    def test_remedies_name_the_python_that_the_shell_finds(self, monkeypatch):
        root = commands.repository()
        assert commands.typed("train", "NAME").endswith("-m dasbe.train NAME")
        monkeypatch.setattr(sys, "prefix", str(root / ".venv"))
        monkeypatch.chdir(root)
        monkeypatch.delenv("VIRTUAL_ENV", raising=False)
        assert commands.typed("train", "NAME") == ".venv/bin/python -m dasbe.train NAME"
        monkeypatch.setenv("VIRTUAL_ENV", str(root / ".venv"))
        assert commands.typed("train", "NAME") == "python -m dasbe.train NAME"

    def test_mnist_is_looked_for_before_any_dataset_is_made(self, monkeypatch, tmp_path):
        monkeypatch.setenv("DASBE_HOME", str(tmp_path))
        monkeypatch.setenv("DASBE_MNIST", str(tmp_path / "none"))
        monkeypatch.setattr(store, "make_dataset", lambda *arguments, **options: pytest.fail("it is made"))
        for call in (
            lambda: store.ensure_datasets(["shapes", "multi_mnist"]),
            lambda: store.make_or_verify(names=["shapes", "multi_mnist"], folder=None, mnist=None, only_verify=False),
        ):
            with pytest.raises(dasbe.MissingFileError, match="MNIST folder .*none lacks train-images"):
                call()

    def test_a_download_is_announced(self, monkeypatch, tmp_path, capsys):
        monkeypatch.setenv("DASBE_HOME", str(tmp_path))
        monkeypatch.delenv("DASBE_MNIST", raising=False)
        monkeypatch.setattr(mnist.urllib.request, "urlopen", lambda *arguments, **options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            mnist.find_digits()
        assert re.search(
            r"downloading train-images\S* of MNIST from \S+ to .*DASBE_MNIST can name", capsys.readouterr().err
        )

    def test_the_printed_table_fits_and_begins_with_the_paper(self):
        scores, _ = table1.load_scores(table1.shipped_scores())
        lines = aligned(table1.narrow_table(scores), 2).splitlines()
        assert max(map(len, lines)) <= 100
        assert [line.split("  ")[0] for line in lines[1:4]] == ["DASBE", "DASBE (published)", "pure-ANN"]
