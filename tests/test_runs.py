"""What `bind` returns: what it says of itself, its file, its form for elephant, and its pictures."""

import io
import json
import sys
import warnings
import zipfile

import hostile
import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from torch import nn

import dasbe
from dasbe.ann.weights import weights_hash
from dasbe.metrics import victor_purpura_distances
from dasbe.plotting import animation, raster
from dasbe.support import checks

pytestmark = pytest.mark.quick

TIMING = {"delay": 7, "refractory": 2, "cycles": 5}
EVERYTHING = ("spikes", "latents", "feedback")


def by_pixel(shape):
    return np.random.default_rng(3).integers(0, 4, shape)


@pytest.fixture
def run_of(shapes, random_network):
    """`run_of(moving=…, **options)`: a run of three images, one of them without ink, or of two films of 5 frames."""

    def make(moving=False, **options):
        images = np.concatenate([shapes[0][:2], np.zeros_like(shapes[0][:1])])
        if moving:
            images = np.stack([np.roll(shapes[0][:2], shift, axis=2) for shift in range(5)], axis=1)
        return dasbe.bind(images, random_network(), **{**TIMING, "seed": 3, **options})

    return make


RUNS = {
    "stills": {},
    "everything": {"record": EVERYTHING, "last": 2},
    "nothing": {"record": ()},
    "no spikes": {"record": ("feedback",)},
    "a refractory time for each pixel": {"refractory": by_pixel((28, 28)), "spike_loss": 0.1},
    "for each pixel of each image": {"refractory": by_pixel((3, 28, 28)), "indices": [7, 2**40, 0]},
    "films": {"moving": True, "record": EVERYTHING, "last": 3},
}


@pytest.fixture(params=RUNS.values(), ids=RUNS)
def run(request, run_of):
    return run_of(**request.param)


def equal(first, second):
    """Whether two values are the same, down to types and bits."""
    if isinstance(first, dict):
        return list(first) == list(second) and all(equal(first[key], second[key]) for key in first)
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()
    if isinstance(first, torch.Tensor):
        return equal(first.numpy(), second.numpy())
    if isinstance(first, tuple) and first and not isinstance(first[0], int):
        return len(first) == len(second) and all(map(equal, first, second))
    return repr(first) == repr(second)  # tells 1 from True and 1.0


def contents(run):
    """All that a run holds."""
    fields = ("parameters", "images", "trains", "made", "_latents", "_feedback")
    return {field: getattr(run, field) for field in fields}


def test_a_run_says_in_a_line_what_it_is(run, run_of):
    assert len(repr(run)) < 200 and "\n" not in repr(run) and "array" not in repr(run)
    assert "28×28: 5 cycles, delay 7, refractory " in repr(run) and "seed 3" in repr(run)
    last = run_of(record=EVERYTHING, last=2, refractory=by_pixel((28, 28)), spike_loss=0.25)
    expected = "3 images of 28×28: 5 cycles, delay 7, refractory 0 to 3, seed 3, spike_loss 0.25"
    assert repr(last) == f"<Binding of {expected}; recorded: spikes, latents, feedback of the last 2 cycles>"
    assert "recorded: nothing>" in repr(run_of(record=(), last=2))
    assert repr(dasbe.Binding()) == "<Binding of no images>"


def test_a_run_knows_what_it_takes_to_make_it_again(run, random_network):
    parameters = dict(run.parameters)
    assert parameters.pop("network") == weights_hash(random_network())
    parameters["last"] = parameters.pop("recorded_cycles")
    record = [name for name in EVERYTHING if recorded(run, name)]
    again = dasbe.bind(run.images, random_network(), record=record, **parameters)
    assert equal({**contents(again), "made": None}, {**contents(run), "made": None})
    assert set(run.made) == {"command", "versions", "date"}


def recorded(run, name):
    try:
        getattr(run, name)
    except dasbe.InputError as error:
        assert f"{name} were not recorded" in str(error)
        return False
    return True


def test_networks_of_others_have_no_hash(shapes):
    assert dasbe.bind(shapes[0][:1], lambda x: 0.2 * x, **TIMING).parameters["network"] is None


def test_changing_the_images_or_times_given_does_not_change_the_run(shapes):
    images, refractory = shapes[0][:1].copy(), np.full((28, 28), 2)
    run = dasbe.bind(images, lambda x: 0.2 * x, **{**TIMING, "refractory": refractory})
    images[:], refractory[:] = 0, 0
    assert run.images.any() and (run.parameters["refractory"] == 2).all()


class TestFile:
    def test_a_run_comes_back_bit_for_bit(self, run, tmp_path):
        run.save(tmp_path / "x.npz")
        again = dasbe.load_run(str(tmp_path / "x.npz"))
        assert equal(contents(again), contents(run))
        if run.trains is not None:
            assert run.trains.values.any() and equal(again.spikes, run.spikes)
            np.testing.assert_array_equal(dasbe.group(again, 3), dasbe.group(run, 3))

    @pytest.mark.parametrize("change", [np.asfortranarray, np.zeros_like, lambda x: x.astype(float)[::-1, ::-1]])
    def test_images_of_any_layout_come_back(self, shapes, tmp_path, change):
        run = dasbe.bind(change(shapes[0][:3]), lambda x: 0.2 * x, **TIMING)
        run.save(tmp_path / "x.npz")
        assert equal(contents(dasbe.load_run(tmp_path / "x.npz")), contents(run))

    def test_a_spike_takes_one_bit_where_the_file_says(self, run_of, tmp_path):
        run = run_of()
        packed = members_of(run, tmp_path / "x.npz")["spikes"]
        trains = np.moveaxis(run.spikes.reshape(3, 35, 28, 28), 1, -1)[run.images > 0]  # image, row, column; step
        np.testing.assert_array_equal(packed, np.packbits(trains))

    def test_what_cannot_be_saved(self, run_of, tmp_path):
        for path in ("x", "x.npy", ""):
            with pytest.raises(dasbe.InputError, match="path is"):
                run_of().save(path)
        with pytest.raises(dasbe.InputError, match="this run is empty"):
            dasbe.Binding().save(tmp_path / "x.npz")

    def test_a_failed_save_leaves_the_old_file_alone(self, run_of, tmp_path, monkeypatch):
        run_of().save(tmp_path / "x.npz")
        before = (tmp_path / "x.npz").read_bytes()

        def half(path, **arrays):
            path.write_bytes(before[:100])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(np, "savez_compressed", half)
        with pytest.raises(dasbe.InputError, match=r"x.npz cannot be written \(No space left on device\); make room"):
            run_of(seed=4).save(tmp_path / "x.npz")
        assert (tmp_path / "x.npz").read_bytes() == before and len(list(tmp_path.iterdir())) == 1

    def test_a_flipped_bit_is_noticed_or_harmless(self, run_of, tmp_path):
        run, path = run_of(record=EVERYTHING, last=1), tmp_path / "x.npz"
        run.save(path)
        whole, noticed = path.read_bytes(), 0
        for place in np.random.default_rng(1).choice(8 * len(whole), 300, replace=False):
            flipped = bytearray(whole)
            flipped[place // 8] ^= 1 << place % 8
            path.write_bytes(flipped)
            try:
                again = dasbe.load_run(path)
            except dasbe.FileContentError as error:
                assert "x.npz" in str(error) and "\n" not in str(error)
                noticed += 1
            else:
                assert equal(contents(again), contents(run)), f"bit {place} changed what was read"
        assert noticed > 200

    def test_a_file_cut_short_or_of_another_kind_is_refused(self, run_of, tmp_path):
        path = tmp_path / "x.npz"
        run_of().save(path)
        whole = path.read_bytes()
        for content in [b"", b"\0" * 1000, b"[]", b"PK\x03\x04", *(whole[: len(whole) * i // 8] for i in range(1, 8))]:
            path.write_bytes(content)
            with pytest.raises(dasbe.FileContentError, match="x.npz is damaged, or not a run"):
                dasbe.load_run(path)

    def test_what_is_not_there(self, tmp_path):
        for path in (tmp_path / "x.npz", tmp_path / "y" / "x.npz"):
            with pytest.raises(dasbe.MissingFileError, match=r"is not there; write it with: dasbe\.bind"):
                dasbe.load_run(path)
        with pytest.raises(dasbe.InputError, match="is a folder; give the path of a file"):
            dasbe.load_run(tmp_path)

    @pytest.mark.parametrize("what", ["cycles and delay of millions", "the same, without feedback"])
    def test_a_run_that_says_it_is_larger_than_its_file_is_refused(self, tmp_path, monkeypatch, what):
        monkeypatch.chdir(tmp_path)
        hostile.RUNS[what](tmp_path / "x.npz")
        with pytest.raises(dasbe.FileContentError, match="954 bytes of spikes do not fit its images, cycles and delay"):
            dasbe.load_run("x.npz")

    def test_a_run_larger_than_the_memory_is_refused_before_it_is_read(self, run_of, tmp_path, monkeypatch):
        run_of().save(tmp_path / "x.npz")
        monkeypatch.setattr(checks, "available_bytes", lambda: 1000)
        with pytest.raises(dasbe.InputError, match="x.npz would take .* memory") as refusal:
            dasbe.load_run(tmp_path / "x.npz")
        assert not isinstance(refusal.value, dasbe.FileContentError)

    def test_no_file_runs_code(self, run_of, tmp_path):
        class Payload:
            def __reduce__(self):
                return open, (str(tmp_path / "ran"), "w")

        for name in ("latents", "made", "extra"):
            members = members_of(run_of(record=EVERYTHING), tmp_path / "x.npz")
            members[name] = np.array([Payload()], dtype=object)
            np.savez(tmp_path / "x.npz", allow_pickle=True, **members)
            with pytest.raises(dasbe.FileContentError):
                dasbe.load_run(tmp_path / "x.npz")
        assert not (tmp_path / "ran").exists()

    def test_an_array_that_is_smaller_than_it_says_is_refused(self, run_of, tmp_path):
        members = members_of(run_of(), tmp_path / "x.npz")
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "|u1", "fortran_order": False, "shape": (10**13, 28, 28)}
        )
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            for name, values in members.items():
                content = io.BytesIO()
                np.save(content, values)
                archive.writestr(f"{name}.npy", header.getvalue() if name == "images" else content.getvalue())
        with pytest.raises(dasbe.FileContentError, match="x.npz cannot be used: images is shorter than it says"):
            dasbe.load_run(tmp_path / "x.npz")

    def test_parts_that_do_not_fit_together_are_refused(self, run_of, tmp_path):
        path = tmp_path / "x.npz"
        run = run_of(moving=True, record=EVERYTHING, last=3, refractory=by_pixel((28, 28)))
        for what, spoil in SPOILT.items():
            members = members_of(run, path)
            made = json.loads(str(members["made"]))
            spoil(members, made)
            if "made" in members:
                members["made"] = np.array(json.dumps(made))
            np.savez(path, **members)
            try:
                dasbe.load_run(path)
            except dasbe.FileContentError as error:
                assert "x.npz" in str(error) and "\n" not in str(error) and len(str(error)) < 350, what
            else:
                pytest.fail(f"accepted: {what}")


def members_of(run, path):
    """Arrays in the file of a run."""
    run.save(path)
    with np.load(path) as file:
        return dict(file)


def with_one(name, value):
    """Put `value` into an array of a file."""

    def spoil(members, made):
        members[name] = members[name].copy()
        members[name].flat[-1] = value

    return spoil


def replaced(name, change):
    return lambda members, made: members.update({name: change(members[name])})


def parameter(name, value):
    return lambda members, made: made["parameters"].update({name: value})


def spike_without_ink(members, made):
    """Add a pixel that never has ink to the first frame of the last film, which was not recorded, and let it fire."""
    images, n_pixels = members["images"], np.count_nonzero(members["images"].any(1))
    assert not images[-1, :, -1, -1].any()
    images[-1, 0, -1, -1] = 1
    bits = np.unpackbits(members["spikes"])[: n_pixels * 21]
    members["spikes"] = np.packbits(np.concatenate([bits, np.eye(1, 21, dtype=np.uint8)[0]]))


SPOILT = {f"without {name}": lambda members, made, name=name: members.pop(name) for name in ("made", "images")}
SPOILT |= {f"without {name}": lambda members, made, name=name: members.pop(name) for name in ("indices", "refractory")}
SPOILT |= {f"without its {name}": lambda members, made, name=name: made.pop(name) for name in ("format", "date")}
SPOILT |= {
    "something else": lambda members, made: members.update(more=np.zeros(3)),
    "another format": lambda members, made: made.update(format="dasbe run 2"),
    "no parameters": lambda members, made: made.update(parameters=[]),
    "one parameter less": lambda members, made: made["parameters"].pop("seed"),
    "one parameter more": parameter("gain", 2),
    "images of 2": with_one("images", 2),
    "images of another size": replaced("images", lambda x: x[..., :-1]),
    "fewer frames": replaced("images", lambda x: x[:, :-1]),
    "fewer images": replaced("images", lambda x: x[:-1]),
    "images of text": replaced("images", lambda x: x.astype(str)),
    "spikes that are too few": replaced("spikes", lambda x: x[:-1]),
    "spikes that are too many": replaced("spikes", lambda x: np.append(x, np.uint8(0))),
    "a spike behind the last": replaced("spikes", lambda x: np.append(x[:-1], np.uint8(x[-1] | 1))),
    "spikes of float": replaced("spikes", lambda x: x.astype(float)),
    "spikes without ink": spike_without_ink,
    "latents of float64": replaced("latents", lambda x: x.astype(float)),
    "latents of other steps": replaced("latents", lambda x: x[:, :, :-1]),
    "latents without units": replaced("latents", lambda x: x[..., 0]),
    "feedback of another size": replaced("feedback", lambda x: x[..., :-1]),
    "feedback of 2": with_one("feedback", 2),
    "feedback of NaN": with_one("feedback", np.nan),
    "refractory times of 200": replaced("refractory", lambda x: x.astype(int) + 200),
    "refractory times of another size": replaced("refractory", lambda x: x[:-1]),
    "indices below 0": with_one("indices", -1),
    "fewer indices": replaced("indices", lambda x: x[:-1]),
    "delay of text": parameter("delay", "7"),
    "delay of another run": parameter("delay", 8),
    "a delay that is true": parameter("delay", True),
    "cycles of another run": parameter("cycles", 6),
    "more recorded cycles than cycles": parameter("recorded_cycles", 6),
    "recorded cycles of another run": parameter("recorded_cycles", 2),
    "no recorded cycles": parameter("recorded_cycles", None),
    "no cycles": parameter("cycles", None),
    "seed below 0": parameter("seed", -1),
    "spike loss above 1": parameter("spike_loss", 1.5),
    "a network that is no hash": parameter("network", "shapes"),
}


class TestNeo:
    def test_trains_are_the_spikes(self, run_of):
        run, labels = run_of(last=2), np.arange(3 * 784).reshape(3, 28, 28) % 5
        segment = run.to_neo(1, labels=labels, step=0.5)
        rows, columns = np.nonzero(run.images[1])
        assert len(segment.spiketrains) == len(rows)
        for train, row, column in zip(segment.spiketrains, rows, columns):
            steps = 3 * 7 + np.flatnonzero(run.spikes[1, :, :, row, column])
            np.testing.assert_array_equal(train.rescale("ms").magnitude, 0.5 * steps)
            assert train.annotations == {"row": row, "column": column, "group": labels[1, row, column]}
            assert (train.t_start, train.t_stop) == (10.5, 17.5)
        assert segment.annotations["image"] == 1 and segment.annotations["delay"] == 7

    def test_elephant_reads_them(self, run_of):
        run = run_of()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import quantities
            from elephant.conversion import BinnedSpikeTrain
            from elephant.spike_train_dissimilarity import victor_purpura_distance

            trains = run.to_neo(1).spiketrains
            binned = BinnedSpikeTrain(trains, bin_size=1 * quantities.ms).to_bool_array()
            distances = victor_purpura_distance(trains[:20], cost_factor=1 / (6 * quantities.ms), sort=False)
        spikes = run.trains.values[1].reshape(35, -1)[:, : len(trains)]
        np.testing.assert_array_equal(binned.T, spikes)
        np.testing.assert_allclose(distances, victor_purpura_distances(spikes[:, :20], 1 / 6), atol=1e-9)

    def test_an_image_without_ink_has_no_trains(self, run_of):
        assert len(run_of().to_neo(2).spiketrains) == 0

    def test_without_neo_a_line_says_how_to_get_it(self, run_of, monkeypatch):
        monkeypatch.setitem(sys.modules, "neo", None)
        with pytest.raises(dasbe.InputError, match="needs the package neo; install it with: pip install neo"):
            run_of().to_neo()


def pictures(figure):
    """The images that a figure shows, by the title of their axes."""
    return {axes.get_title(): axes.images[0].get_array().data for axes in figure.axes if axes.images}


def ink_of(picture):
    return (picture < 0.5).all(-1)


@pytest.fixture(scope="module")
def plain_run(shapes):
    """Of a plain function."""
    return dasbe.bind(shapes[0][:3], lambda x: 0.2 * x, delay=7, refractory=2, cycles=12, seed=3)


@pytest.fixture(scope="module")
def labels(plain_run):
    return dasbe.group(plain_run, 4)


class TestPictures:
    def test_grouping(self, plain_run, labels, shapes):
        for image in range(3):
            shown = pictures(dasbe.plot_grouping(plain_run, labels, image))
            assert len(shown) == 2
            np.testing.assert_array_equal(ink_of(shown["input"]), plain_run.images[image] > 0)
        groups = shapes[1][:3]
        score = dasbe.ami(groups, labels)[1]
        shown = pictures(dasbe.plot_grouping(plain_run, labels, 1, groups=groups))
        assert len(shown) == 3 and any(f"AMI {100 * score:.1f} %" in title for title in shown)

    def test_a_film_is_drawn_with_its_last_frame(self, run_of):
        run = run_of(moving=True)
        shown = pictures(dasbe.plot_grouping(run, dasbe.group(run, 4, last=1), 1))
        np.testing.assert_array_equal(ink_of(shown["input"]), run.images[1, -1] > 0)

    def test_raster(self, plain_run, labels):
        titles = [axes.get_title() for axes in dasbe.plot_raster(plain_run, labels, 1).axes]
        assert [title for title in titles if title] == ["cycles 0 to 2", "cycles 8 to 11"]
        axes = dasbe.plot_raster(plain_run, labels, 1, cycles=[4, 5, 9]).axes
        assert [ax.get_title() for ax in axes if ax.get_title()] == ["cycles 4 to 5", "cycle 9"]
        trains = plain_run.spikes[1, 4:6].reshape(14, 28, 28)[:, labels[1] == 1]
        counts = np.zeros(14)
        for (time, bottom), (_, top) in axes[0].collections[0].get_segments():  # a line is as long as neurons are many
            counts[round(time) - 4 * 7] += (top - bottom) * trains.shape[1] / raster.ROW_HEIGHT
        np.testing.assert_allclose(counts, trains.sum(1), atol=1e-9)

    def test_a_raster_of_the_last_cycles_has_their_numbers(self, run_of):
        run = run_of(last=2)
        figure = dasbe.plot_raster(run, dasbe.group(run, 3))
        assert [ax.get_title() for ax in figure.axes if ax.get_title()] == ["cycles 3 to 4"]
        assert figure.axes[-1].get_xlim() == (20, 35)

    @pytest.mark.parametrize("network", [lambda x: 0.5 * x, nn.Hardtanh(0, 0.5), lambda x: (0.5 * x, x)])
    def test_decoded_is_what_the_network_makes_of_each_group(self, labels, network):
        figure = dasbe.plot_decoded(network, labels, 1)
        decoded = [axes.images[0].get_array().data for axes in figure.axes if axes.images and not axes.get_title()]
        assert len(decoded) == labels[1].max()
        for k, shown in enumerate(decoded, start=1):
            np.testing.assert_array_equal(shown, 0.5 * (labels[1] == k))

    def test_latent_neurons_that_spike_draw_the_same_picture_again(self, labels, random_network):
        network, state = random_network(spiking=True), torch.get_rng_state()
        first, again = (
            [axes.images[0].get_array().data for axes in dasbe.plot_decoded(network, labels).axes if axes.images]
            for _ in range(2)
        )
        np.testing.assert_equal(first, again)
        assert torch.equal(torch.get_rng_state(), state)

    def test_animation(self, plain_run, labels, tmp_path):
        dasbe.animate(tmp_path / "x.gif", plain_run, labels, 1, cycles=range(2, 4))
        with Image.open(tmp_path / "x.gif") as gif:
            milliseconds = [frame.info["duration"] for frame in ImageSequence.Iterator(gif)]
            assert gif.format == "GIF" and milliseconds[-1] == animation.RESULT_MILLISECONDS
            assert sum(milliseconds[:-1]) == 14 * animation.FRAME_MILLISECONDS
        assert len(list(tmp_path.iterdir())) == 1

    def test_the_animation_of_a_film_moves_with_it(self, run_of, tmp_path, monkeypatch):
        drawn = {}
        monkeypatch.setattr(animation, "_spike_frames", self.recorder(drawn))
        run = run_of(moving=True, last=3)
        labels = np.stack([dasbe.group(run.spikes[:, [cycle]], 3) for cycle in range(3)], axis=1)
        dasbe.animate(tmp_path / "x.gif", run, labels, 1)
        assert len(drawn["images"]) == 4  # a picture of each cycle's steps, and one of all spikes of the last
        for cycle in range(3):
            np.testing.assert_array_equal(drawn["images"][cycle], run.images[1, 2 + cycle])
            np.testing.assert_array_equal(drawn["groups"][cycle], labels[1, cycle])
            assert not run.spikes[1, cycle][:, run.images[1, 2 + cycle] == 0].any()

    @staticmethod
    def recorder(drawn, original=animation._spike_frames):
        def frames(spikes, image, groups, colours, picture):
            drawn.setdefault("images", []).append(image)
            drawn.setdefault("groups", []).append(groups)
            return original(spikes, image, groups, colours, picture)

        return frames

    def test_where_nothing_fired_there_is_nothing_to_draw(self, plain_run, tmp_path):
        silent = np.zeros_like(plain_run.images, int)
        for draw in (
            lambda: dasbe.plot_raster(plain_run, silent),
            lambda: dasbe.plot_decoded(lambda x: x, silent),
            lambda: dasbe.animate(tmp_path / "x.gif", plain_run, silent),
        ):
            with pytest.raises(dasbe.InputError, match="labels of this image are all 0"):
                draw()
        assert len(pictures(dasbe.plot_grouping(plain_run, silent))) == 2

    def test_only_the_image_drawn_is_unpacked(self, run_of, monkeypatch):
        run = run_of()
        labels = dasbe.group(run, 3)
        monkeypatch.setattr(checks, "available_bytes", lambda: 5 * 7 * 784)  # of one image
        dasbe.plot_raster(run, labels, 1)
        with pytest.raises(dasbe.InputError, match="spikes as images would take"):
            _ = run.spikes
