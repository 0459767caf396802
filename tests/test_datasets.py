"""The datasets equal the published ones bit for bit, and their files can be trusted."""

import gzip
import hashlib
import http.server
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pytest

import dasbe
from dasbe.datasets import (
    DATASETS,
    TABLE_DATASETS,
    ensure_dataset,
    generate,
    is_complete,
    make_dataset,
    settings_of,
    verify,
)
from dasbe.datasets.benchmark_sets import AKORN_SHAPES, TETROMINOES
from dasbe.datasets.catalogue import BENCHMARK_DATASETS, PAPER_DATASETS
from dasbe.datasets.checksums import CHECKSUMS
from dasbe.datasets.generators import trajectory
from dasbe.datasets.mnist import FILES, load_digits

SMALL = {"multi": 30, "test": 5, "single": 9, "frames": 40}


def small(name):
    """Those of the small sizes that a dataset has."""
    return {key: count for key, count in SMALL.items() if key in DATASETS[name].sizes}


@pytest.fixture(params=PAPER_DATASETS)
def name(request, missing_digits):
    """Each dataset that can be drawn here."""
    if DATASETS[request.param].needs_mnist and missing_digits:
        pytest.skip(missing_digits)
    return request.param


@pytest.mark.slow
@pytest.mark.parametrize("name", BENCHMARK_DATASETS)
def test_arrays_of_benchmarks_are_those_of_the_first_run(name):
    test_arrays_equal_the_published_ones(name)


def test_arrays_equal_the_published_ones(name):
    digests, shapes = {}, {}
    for group, arrays in generate(name):
        for key, array in arrays.items():
            assert array.dtype == np.uint8
            digest = digests.setdefault(f"{group}/{key}", hashlib.sha256())
            digest.update(np.ascontiguousarray(array))
            shapes[f"{group}/{key}"] = (shapes.get(f"{group}/{key}", (0,))[0] + len(array), *array.shape[1:])
    found = {key: (shapes[key], digest.hexdigest()) for key, digest in digests.items()}
    assert found == CHECKSUMS.get(name)


def test_labels_are_consistent_with_images(name):
    for _, arrays in generate(name, small(name)):
        assert set(np.unique(arrays["default"])) <= {0, 1}
        assert not arrays["groups"][arrays["default"] == 0].any()


FIRST_SCENES = {  # SHA-256 of 20 scenes for training, begun
    "tagger_shapes": "47ea64de361f4ab6",
    "gust_2_shapes": "5418d199b6c4393a",
    "gust_3_shapes": "6e4013d9dc7b5aa0",
    "gust_4_shapes": "e8352a10af820f30",
    "cae_2shapes": "64650e18b0bc73ef",
    "cae_3shapes": "41a0b6194a371c6a",
    "akorn_shapes": "49b0730d206cd330",
    "tetrominoes": "deb304c91ab024f9",
    "sprites": "ac1148130fe9bed3",
    "sprites_shaded": "4a900de19b2f5e70",
    "shapes_own_colours": "a3aec74598fc3f81",
    "shapes_one_colour": "20d0a940b8e0ae1e",
    "shapes_two_colours": "70cb74fb065b102a",
    "shapes_shaded": "59074f1cfbc9046d",
    "shapes_on_colour": "07de02fef64e738b",
    "shapes_on_gradient": "6aee48984c85432e",
}


@pytest.mark.parametrize("name", BENCHMARK_DATASETS)
def test_scenes_of_benchmarks(name):
    dataset = DATASETS[name]
    split, arrays = next(iter(generate(name, {key: 20 if key == "multi" else 1 for key in dataset.sizes})))
    digest = hashlib.sha256()
    for key in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[key]))
    assert split == "train_multi" and digest.hexdigest().startswith(FIRST_SCENES[name])
    images, groups = arrays["default"], arrays["groups"]
    assert images.dtype == groups.dtype == np.uint8 and images.ndim == (4 if dataset.form == "colour" else 3)
    assert 2 <= groups.max() <= dataset.most_objects
    if dataset.form == "binary":
        assert set(np.unique(images)) == {0, 1} and not groups[images == 0].any() and "ground" not in arrays
    else:
        assert not groups[arrays["ground"] == 1].any() and set(np.unique(arrays["ground"])) == {0, 1}
        counts = [np.unique(labels[labels > 0], return_counts=True)[1] for labels in groups]
        assert name == "akorn_shapes" or min(map(min, counts)) >= 12  # in AKOrN's, an object may be all but hidden


@pytest.mark.quick
def test_objects_of_benchmarks_are_those_of_others():
    assert [shape.sum() for shape in AKORN_SHAPES] == [48, 64, 76, 44] and len(TETROMINOES) == 19
    assert all(piece.sum() == 4 * 25 for piece in TETROMINOES)
    arrays = dict(generate("gust_3_shapes", {"multi": 9, "validation": 1, "test": 1}))["train_multi"]
    np.testing.assert_array_equal(
        arrays["groups"], dict(generate("shapes", small("shapes")))["train_multi"]["groups"][:9]
    )


@pytest.mark.quick
@pytest.mark.parametrize("name, n_colours", [("shapes_own_colours", 3), ("shapes_one_colour", 1), ("tetrominoes", 3)])
def test_an_object_has_one_colour(name, n_colours):
    arrays = dict(generate(name, {key: 6 for key in DATASETS[name].sizes}))["test"]
    for image, groups, ground in zip(*(arrays[key] for key in ("default", "groups", "ground"))):
        of_objects = [np.unique(image[:, groups == k], axis=1) for k in range(1, groups.max() + 1)]
        assert all(colours.shape[1] == 1 for colours in of_objects)
        assert len(np.unique(np.concatenate(of_objects, 1), axis=1).T) <= n_colours
        assert not image[:, ground == 1].any()


@pytest.mark.quick
def test_colour_is_written_and_read_back(tmp_path):
    sizes = {"multi": 4, "validation": 2, "test": 2}
    make_dataset("shapes_shaded", tmp_path, sizes, progress=False)
    drawn = dict(generate("shapes_shaded", sizes))
    images, groups = dasbe.load_dataset("shapes_shaded", "train_multi", 1, 3, folder=tmp_path)
    np.testing.assert_array_equal(images, drawn["train_multi"]["default"][1:3])
    np.testing.assert_array_equal(groups, drawn["train_multi"]["groups"][1:3])
    assert images.shape == (2, 3, 28, 28)


@pytest.mark.quick
def test_written_and_read_back(tmp_path):
    make_dataset("shapes", tmp_path, small("shapes"), progress=False)
    drawn = dict(generate("shapes", small("shapes")))
    images, groups = dasbe.load_dataset("shapes", "train_multi", 10, 20, folder=tmp_path)
    np.testing.assert_array_equal(images, drawn["train_multi"]["default"][10:20])
    np.testing.assert_array_equal(groups, drawn["train_multi"]["groups"][10:20])
    assert images.dtype == groups.dtype == np.uint8
    assert [path.name for path in tmp_path.iterdir()] == ["shapes.h5"]
    assert not is_complete("shapes", tmp_path)  # not of the published size


def test_verify_names_what_differs(tmp_path):
    path = make_dataset("bars", tmp_path, progress=False)
    assert is_complete("bars", tmp_path) and verify("bars", tmp_path) == []
    with h5py.File(path, "r+") as file:
        file["test/groups"][17, 3, 3] ^= 1
        file["train_single/default"][0] = 7
        kept = file["test/default"][:]
        del file["test/default"], file["train_single_vert/groups"], file["train_single_hori/groups"]
        file["test/default"] = kept  # as it was, but in one piece
        file["train_single_vert/groups"] = h5py.SoftLink("/train_single_vert/default")
    faults = verify("bars", tmp_path)
    assert [next(key for key in CHECKSUMS["bars"] if key in fault) for fault in faults] == [
        "test/groups", "train_single/default", "train_single_hori/groups", "train_single_vert/groups"
    ]  # fmt: skip
    assert all(len(fault.splitlines()) == 1 and str(path) in fault for fault in faults)


@pytest.mark.quick
def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def breaks(rng, sizes):
        yield "train_multi", {"default": np.zeros((2, 3, 3), np.uint8)}
        raise KeyboardInterrupt

    monkeypatch.setitem(DATASETS, "bars", replace(DATASETS["bars"], generator=breaks))
    with pytest.raises(KeyboardInterrupt):
        make_dataset("bars", tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.quick
def test_moving_objects_bounce():
    ys = trajectory(np.array([2]), np.array([1]), np.array([4]), 12)[:, 0]
    assert ys.tolist() == [2, 3, 4, 3, 2, 1, 0, 1, 2, 3, 4, 3]


@pytest.mark.quick
def test_late_objects_enter_at_their_frames():
    _, arrays = next(generate("moving_shapes_3", SMALL))
    for frame, labels in ((0, {1}), (14, {1}), (15, {1, 2}), (30, {1, 2, 3})):
        present = np.unique(arrays["groups"][:, frame])
        assert set(present) - {0} == labels


@pytest.mark.quick
class TestMnist:
    @pytest.fixture
    def empty_home(self, tmp_path, monkeypatch):
        """A DASBE_HOME without MNIST files, and none to be found elsewhere."""
        monkeypatch.setenv("DASBE_HOME", str(tmp_path / "home"))
        monkeypatch.delenv("DASBE_MNIST", raising=False)
        return tmp_path / "home"

    def test_named_folder_must_hold_the_files(self, tmp_path):
        with pytest.raises(dasbe.MissingFileError, match="lacks t10k-images-idx3-ubyte.gz; it must hold train-images"):
            load_digits("t10k", tmp_path)

    def test_damaged_file(self, tmp_path):
        for content in (b"", b"not gzip", gzip.compress(b"other digits")):
            (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(content)
            with pytest.raises(dasbe.FileContentError, match="SHA-256 differs"):
                load_digits("t10k", tmp_path)

    def test_offline_names_the_files_and_where_to_put_them(self, empty_home, monkeypatch):
        monkeypatch.setattr("dasbe.datasets.mnist.MIRRORS", ("http://127.0.0.1:9",))
        with pytest.raises(dasbe.MissingFileError, match="could not be downloaded .127.0.0.1:9: .*refused") as caught:
            load_digits("train")
        assert all(name in str(caught.value) for name in FILES) and "--mnist DIR" in str(caught.value)

    def test_a_file_that_may_not_be_read_is_not_damaged(self, tmp_path, monkeypatch):
        (tmp_path / NAME).write_bytes(PACKED)
        monkeypatch.setattr("dasbe.support.paths.open", _not_permitted, raising=False)
        with pytest.raises(dasbe.InputError, match=f"{NAME} may not be read") as caught:
            load_digits("t10k", tmp_path)
        assert not isinstance(caught.value, dasbe.FileContentError)


NAME = "t10k-images-idx3-ubyte.gz"
DIGITS = np.random.default_rng(0).bytes(16 + 3 * 784)
PACKED = gzip.compress(DIGITS, mtime=0)
OTHER = gzip.compress(DIGITS[::-1], mtime=0)


def _not_permitted(*arguments):
    raise PermissionError(13, "Permission denied")


class Answer(NamedTuple):
    """What a mirror sends: `length` bytes are promised, after a `wait` it answers, after a `hold` it hangs up (s)."""

    content: bytes = PACKED
    status: int = 200
    length: int | None = None
    wait: float = 0
    hold: float = 0
    raw: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@pytest.fixture
def mirror():
    """`mirror(answer, …)`: address of a server that gives these answers in turn, the last for ever, and what was asked.

    To a request for a range it sends the rest of the content.
    """
    servers = []

    def start(*answers):
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.headers.get("Range"))
                answer = answers[min(len(asked), len(answers)) - 1]
                time.sleep(answer.wait)
                if answer.raw:
                    self.wfile.write(answer.content)
                    time.sleep(answer.hold)
                    return
                first = int(asked[-1][6:-1]) if asked[-1] and answer.status == 200 else 0
                beyond = 0 < len(answer.content) <= first
                self.send_response(416 if beyond else 206 if first else answer.status)
                for header in answer.headers:
                    self.send_header(*header)
                self.send_header("Content-Length", str(answer.length or len(answer.content) - first))
                self.end_headers()
                self.wfile.write(answer.content[first:])

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *arguments: None  # whoever asked has hung up
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def visible(folder):
    """Files of a folder but locks."""
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


LOG_IN = b"<html>Please log in</html>"
BAD_ANSWERS = {
    "a log-in page": (Answer(LOG_IN), "another file came"),
    "another file": (Answer(OTHER), "another file came"),
    "no gzip, and cut": (Answer(DIGITS[:-1]), "another file came"),
    "half a file": (Answer(PACKED[:100]), "another file came"),
    "not found": (Answer(b"none", 404), "HTTP Error 404: Not Found"),
    "not allowed": (Answer(b"none", 403), "HTTP Error 403: Forbidden"),
    "out of order": (Answer(b"none", 503), "HTTP Error 503"),
    "a connection that breaks off": (Answer(PACKED[:100], length=len(PACKED)), "the connection ended early"),
    "a log-in page that breaks off": (Answer(LOG_IN, length=100), "the connection ended early"),
    "no answer in time": (Answer(wait=2), "timed out"),
    "half an answer in time": (
        Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nx", raw=True, hold=2),
        "timed out",
    ),
    "lengths that are none": (
        Answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", raw=True),
        "Incomplete",
    ),
    "no answer at all": (Answer(b"", raw=True), "closed connection"),
    "another protocol": (Answer(b"SSH-2.0\r\n\r\n", raw=True), "SSH-2.0"),
    "no end": (Answer(bytes(200000)), "more came than the file has"),
    "a redirection in a circle": (Answer(b"", 302, headers=(("Location", "/"),)), "HTTP Error 302"),
    "another part": (Answer(PACKED[5:], 206, headers=(("Content-Range", f"bytes 5-/{len(PACKED)}"),)), "another part"),
}


class TestDownload:
    @pytest.fixture(autouse=True)
    def home(self, tmp_path, monkeypatch):
        """A DASBE_HOME without MNIST files; three digits are all there is of MNIST, and patience is short."""
        monkeypatch.setenv("DASBE_HOME", str(tmp_path / "home"))
        monkeypatch.delenv("DASBE_MNIST", raising=False)
        monkeypatch.setitem(FILES, NAME, hashlib.sha256(DIGITS).hexdigest())
        monkeypatch.setattr("dasbe.datasets.mnist.TIMEOUT_SECONDS", 1)
        monkeypatch.setattr("dasbe.datasets.mnist.LARGEST_BYTES", 100000)
        (tmp_path / "home" / "tmp_data").mkdir(parents=True)
        return tmp_path / "home" / "tmp_data"

    @pytest.fixture
    def mirrors(self, monkeypatch):
        return lambda *addresses: monkeypatch.setattr("dasbe.datasets.mnist.MIRRORS", addresses)

    @pytest.mark.parametrize("answer, cause", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
    def test_the_next_mirror_is_asked(self, home, mirror, mirrors, answer, cause):
        mirrors(mirror(answer)[0], mirror(Answer())[0])
        assert load_digits("t10k").tobytes() == DIGITS[16:]
        assert visible(home) == [NAME]

    @pytest.mark.parametrize("answer, cause", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
    def test_the_last_cause_is_quoted(self, home, mirror, mirrors, answer, cause):
        mirrors("http://127.0.0.1:9", mirror(answer)[0])
        with pytest.raises(dasbe.MissingFileError) as caught:
            load_digits("t10k")
        assert cause in str(caught.value) and len(str(caught.value).splitlines()) == 1
        assert not (home / NAME).exists()
        if cause == "another file came":
            assert visible(home) == []

    def test_a_mirror_without_certificate(self, home, mirror, mirrors):
        address = mirror(Answer())[0]
        mirrors(address.replace("http", "https"), address)
        assert load_digits("t10k").shape == (3, 28, 28)

    def test_it_resumes_where_it_broke_off(self, home, mirror, mirrors):
        address, asked = mirror(Answer(PACKED[:100], length=len(PACKED)), Answer())
        mirrors(address, address)
        assert load_digits("t10k").tobytes() == DIGITS[16:]
        assert asked == [None, "bytes=100-"] and visible(home) == [NAME]

    @pytest.mark.parametrize("begun", [LOG_IN, OTHER[:50], PACKED + b"more", OTHER, bytes(len(PACKED))])
    def test_a_wrong_beginning_is_fetched_again(self, home, mirror, mirrors, begun):
        (home / NAME).with_suffix(".part").write_bytes(begun)
        mirrors(mirror(Answer())[0])
        assert load_digits("t10k").tobytes() == DIGITS[16:]
        assert visible(home) == [NAME]

    def test_another_part_than_asked_for_is_fetched_again(self, home, mirror, mirrors):
        (home / NAME).with_suffix(".part").write_bytes(PACKED[:50])
        mirrors(mirror(BAD_ANSWERS["another part"][0], Answer())[0])
        assert load_digits("t10k").tobytes() == DIGITS[16:]

    def test_a_bad_file_that_is_there_is_named(self, home):
        (home / NAME).write_bytes(LOG_IN)
        with pytest.raises(dasbe.FileContentError, match=f"{NAME} is damaged .* delete it and try again"):
            load_digits("t10k")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
    def test_a_full_disk_is_no_missing_network(self, home, mirror, mirrors):
        (home / NAME).with_suffix(".part").symlink_to("/dev/full")
        mirrors(mirror(Answer())[0])
        with pytest.raises(OSError, match="No space left") as caught:
            load_digits("t10k")
        assert not isinstance(caught.value, dasbe.InputError) and "t10k" in caught.value.filename


@pytest.mark.quick
def test_settings_are_published_for_the_rows_of_the_table_alone():
    assert set(TABLE_DATASETS) == {"bars", "shapes", "corners", "multi_mnist", "mnist_shape"}
    for name, dataset in DATASETS.items():
        assert dataset.name == name and (dataset.settings is not None) == (name in TABLE_DATASETS)
    assert settings_of("shapes")[:5] == (32, 9, 3, 6, 8) and settings_of("bars")[:5] == (54, 6, 12, 10, 6)
    assert settings_of(DATASETS["corners"]) is settings_of(settings_of("corners"))
    with pytest.raises(dasbe.InputError, match="dataset 'moving_shapes' is unknown; choose one of bars"):
        settings_of("moving_shapes")
    with pytest.raises(dasbe.InputError, match="dataset 'moving_shapes' has no settings"):
        settings_of(DATASETS["moving_shapes"])


@pytest.mark.quick
class TestBadInput:
    def test_unknown_dataset(self):
        with pytest.raises(dasbe.InputError, match="'circles' is unknown; choose one of bars"):
            dasbe.load_dataset("circles")

    def test_missing_file_names_the_command(self, tmp_path):
        with pytest.raises(dasbe.MissingFileError, match="make it with: python -m dasbe.datasets shapes"):
            dasbe.load_dataset("shapes", folder=tmp_path)

    def test_truncated_file(self, tmp_path):
        path = make_dataset("shapes", tmp_path, small("shapes"), progress=False)
        for size in (100, path.stat().st_size // 2):
            path.write_bytes(path.read_bytes()[:size])
            with pytest.raises(dasbe.FileContentError, match="shapes.h5.*delete"):
                dasbe.load_dataset("shapes", folder=tmp_path)

    def test_unknown_split_and_range(self, tmp_path):
        make_dataset("shapes", tmp_path, small("shapes"), progress=False)
        with pytest.raises(dasbe.InputError, match="split 'train' is not in .*train_multi"):
            dasbe.load_dataset("shapes", "train", folder=tmp_path)
        for start, stop in ((0, 31), (-1, 3), (5, 5), (30, None)):
            with pytest.raises(dasbe.InputError, match="outside shapes/train_multi, which has 0 to 30"):
                dasbe.load_dataset("shapes", "train_multi", start, stop, folder=tmp_path)


def _replaced(key, value, **options):
    def change(file):
        del file[key]
        file.create_dataset(key, data=value, **options)

    return change


def _linked(link):
    def change(file):
        file.copy("train_multi/default", "kept")
        del file["train_multi/default"]
        file["train_multi/default"] = link

    return change


def _in_another_file(file):
    _replaced("train_multi/default", None, shape=IMAGES.shape, dtype="u1", external=[(__file__, 0, IMAGES.size)])(file)


def _virtual(file):
    layout = h5py.VirtualLayout(IMAGES.shape, np.uint8)
    layout[:] = h5py.VirtualSource(__file__, "x", IMAGES.shape)
    del file["train_multi/default"]
    file.create_virtual_dataset("train_multi/default", layout)


def _compressed_by_a_plug_in(file):
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk(IMAGES.shape)
    layout.set_filter(307, h5py.h5z.FLAG_OPTIONAL)  # bzip2
    del file["train_multi/default"]
    space = h5py.h5s.create_simple(IMAGES.shape)
    h5py.h5d.create(file.id, b"train_multi/default", h5py.h5t.NATIVE_UINT8, space, layout)


def _value(key, value):
    def change(file):
        file[key][3, 5, 5] = value

    return change


IMAGES = np.zeros((30, 28, 28), np.uint8)
PAIR = ("train_multi/default", "train_multi/groups")
BAD_FILES = {
    "of another dataset": (lambda file: file.attrs.update(dataset="corners"), "does not say that it holds shapes"),
    "of no dataset": (lambda file: file.attrs.clear(), "does not say that it holds shapes"),
    "a number for a name": (lambda file: file.attrs.update(dataset=[1, 2]), "("),
    "images of 7": (_value(PAIR[0], 7), "images hold 7"),
    "images of 255": (_value(PAIR[0], 255), "images hold 255"),
    "more objects than there are": (_value(PAIR[1], 4), "labels hold 4; expected whole numbers from 0 to 3"),
    "labels without ink": (lambda file: file[PAIR[1]].__setitem__(..., 1), "pixels that have no ink"),
    "float images": (_replaced(PAIR[0], IMAGES.astype(float)), "of float64; expected 3 axes"),
    "signed images": (_replaced(PAIR[0], IMAGES.astype(np.int8)), "of int8"),
    "bool images": (_replaced(PAIR[0], IMAGES > 0), "of bool"),
    "big images": (_replaced(PAIR[0], IMAGES.astype(np.uint64)), "of uint64"),
    "text": (_replaced(PAIR[0], np.full((30, 28, 28), "x", h5py.string_dtype())), "of object"),
    "bytes": (_replaced(PAIR[0], IMAGES.astype("S1")), "of |S1"),
    "pairs": (_replaced(PAIR[0], np.zeros((30, 28, 28), "u1,u1")), "expected 3 axes"),
    "references": (_replaced(PAIR[0], None, shape=(30, 28, 28), dtype=h5py.ref_dtype), "of object"),
    "no values": (_replaced(PAIR[0], h5py.Empty("u1")), "expected 3 axes"),
    "one value": (_replaced(PAIR[0], np.uint8(1)), "an array () of uint8"),
    "flat images": (_replaced(PAIR[0], IMAGES.reshape(30, -1)), "an array (30, 784) of uint8"),
    "films": (_replaced(PAIR[0], IMAGES[:, None]), "an array (30, 1, 28, 28) of uint8"),
    "images of another size": (_replaced(PAIR[0], IMAGES[:, :20, :20]), "the last two (28, 28)"),
    "fewer labels than images": (_replaced(PAIR[1], IMAGES[:9]), "labels (9, 28, 28)"),
    "no images at all": (lambda file: [_replaced(key, IMAGES[:0])(file) for key in PAIR], "an array (0, 28, 28)"),
    "no labels": (lambda file: file.__delitem__(PAIR[1]), "train_multi/groups is missing"),
    "a group for an array": (
        lambda file: [file.__delitem__(PAIR[0]), file.create_group(PAIR[0])],
        "is a group, not an array",
    ),
    "an array for a group": (
        lambda file: [file.__delitem__("train_multi"), file.__setitem__("train_multi", IMAGES)],
        "train_multi/default is missing",
    ),
    "a type for an array": (
        lambda file: [file.__delitem__(PAIR[0]), file.__setitem__(PAIR[0], np.dtype("u1"))],
        "not an array",
    ),
    "a soft link": (_linked(h5py.SoftLink("/kept")), "is a link, which is not followed"),
    "a link to nowhere": (_linked(h5py.SoftLink("/none")), "is a link, which is not followed"),
    "a link to another file": (_linked(h5py.ExternalLink("other.h5", "/kept")), "is a link, which is not followed"),
    "images in another file": (_in_another_file, "lies in other files, which are not read"),
    "a virtual array": (_virtual, "lies in other files, which are not read"),
    "a compression that is not there": (_compressed_by_a_plug_in, "is compressed by filter 307"),
}


@pytest.mark.quick
class TestFilesOfAnotherKind:
    """What is wrong with a dataset file is said in one line, with the whole command that makes it again."""

    @pytest.fixture
    def path(self, tmp_path):
        """shapes.h5 in a folder whose name has a blank, beside another file of the same content."""
        path = make_dataset("shapes", tmp_path / "my data", small("shapes"), progress=False)
        path.with_name("other.h5").write_bytes(path.read_bytes())
        return path

    @pytest.mark.parametrize("change, reason", BAD_FILES.values(), ids=BAD_FILES)
    def test_it_is_refused(self, path, change, reason):
        with h5py.File(path, "r+") as file:
            change(file)
        with pytest.raises(dasbe.FileContentError) as caught:
            dasbe.load_dataset("shapes", folder=path.parent)
        line = str(caught.value)
        assert reason in line and len(line.splitlines()) == 1 and str(path) in line
        assert line.endswith(f"; delete it and run: python -m dasbe.datasets shapes --out '{path.parent}'")
        assert not is_complete("shapes", path.parent)
        with pytest.raises(dasbe.FileContentError, match="damaged or incomplete"):
            ensure_dataset("shapes", path.parent)

    def test_what_is_not_read_is_not_looked_at(self, path):
        with h5py.File(path, "r+") as file:
            file["train_multi/default"][3] = 7
        images, groups = dasbe.load_dataset("shapes", stop=3, folder=path.parent)
        assert images.shape == groups.shape == (3, 28, 28)

    def test_no_plug_in_is_looked_for(self, path, monkeypatch):
        with h5py.File(path, "r+") as file:
            _compressed_by_a_plug_in(file)
        monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: pytest.fail("HDF5 looks for a plug-in"))
        with pytest.raises(dasbe.FileContentError, match="compressed by filter 307"):
            dasbe.load_dataset("shapes", folder=path.parent)

    @pytest.mark.parametrize("options", [{}, {"compression": "lzf", "shuffle": True, "fletcher32": True}])
    def test_how_it_is_laid_out_is_free(self, path, options):
        images, groups = dasbe.load_dataset("shapes", folder=path.parent)
        with h5py.File(path, "r+") as file:
            _replaced("train_multi/default", images, **options)(file)
        np.testing.assert_array_equal(dasbe.load_dataset("shapes", folder=path.parent), (images, groups))

    def test_locks_do_not_matter(self, path, monkeypatch):
        """Of another process or of this one, be HDF5 told to insist on locks or not."""
        code = "import h5py, sys; file = h5py.File(sys.argv[1], 'r+'); print(flush=True); sys.stdin.read()"
        command = [sys.executable, "-c", code, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            other.stdout.readline()
            with pytest.raises(BlockingIOError):
                h5py.File(path, locking=True)
            assert dasbe.load_dataset("shapes", folder=path.parent)[0].shape == (30, 28, 28)
            other.stdin.close()
        for locking in (True, False, None):
            with h5py.File(path, "r+", locking=locking):
                assert dasbe.load_dataset("shapes", folder=path.parent)[0].shape == (30, 28, 28)

    def test_a_file_that_may_not_be_read_is_not_damaged(self, path, monkeypatch):
        monkeypatch.setattr("dasbe.support.paths.open", _not_permitted, raising=False)
        for function in (dasbe.load_dataset, is_complete, ensure_dataset, verify):
            with pytest.raises(dasbe.InputError, match="shapes.h5 may not be read by this user") as caught:
                function("shapes", folder=path.parent)
            assert not isinstance(caught.value, dasbe.FileContentError)

    def test_a_folder_in_its_place(self, path):
        path.unlink()
        path.mkdir()
        for function in (dasbe.load_dataset, is_complete, ensure_dataset, verify):
            with pytest.raises(dasbe.InputError, match="shapes.h5 is a folder") as caught:
                function("shapes", folder=path.parent)
            assert not isinstance(caught.value, dasbe.FileContentError)

    def test_more_images_than_there_is_memory_for(self, path, monkeypatch):
        monkeypatch.setattr("dasbe.support.checks.available_bytes", lambda: 10000)
        with pytest.raises(dasbe.InputError, match="reading train_multi/default would take .* start= and stop="):
            dasbe.load_dataset("shapes", folder=path.parent)
