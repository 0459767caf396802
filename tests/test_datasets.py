"""The datasets equal the published ones bit by bit, and their files can be trusted."""

import gzip
import hashlib
import http.server
import threading
from dataclasses import replace

import h5py
import numpy as np
import pytest

import dasbe
from dasbe.datasets import DATASETS, TABLE_DATASETS, generate, is_complete, make_dataset, settings_of, verify
from dasbe.datasets.checksums import CHECKSUMS
from dasbe.datasets.mnist import FILES, load_digits
from dasbe.datasets.moving import trajectory

SMALL = {"multi": 30, "test": 5, "single": 9, "frames": 40}


def small(name):
    """Those of the small sizes that a dataset has."""
    return {key: count for key, count in SMALL.items() if key in DATASETS[name].sizes}


def _skip_without_mnist(name):
    if DATASETS[name].needs_mnist:
        try:
            load_digits("t10k")
        except dasbe.MissingFileError as error:
            pytest.skip(str(error))


@pytest.mark.parametrize("name", DATASETS)
def test_arrays_equal_the_published_ones(name):
    _skip_without_mnist(name)
    digests, shapes = {}, {}
    for group, arrays in generate(name):
        for key, array in arrays.items():
            assert array.dtype == np.uint8
            digest = digests.setdefault(f"{group}/{key}", hashlib.sha256())
            digest.update(np.ascontiguousarray(array))
            shapes[f"{group}/{key}"] = (shapes.get(f"{group}/{key}", (0,))[0] + len(array), *array.shape[1:])
    found = {key: (shapes[key], digest.hexdigest()) for key, digest in digests.items()}
    assert found == CHECKSUMS[name]


@pytest.mark.quick
@pytest.mark.parametrize("name", DATASETS)
def test_labels_are_consistent_with_images(name):
    _skip_without_mnist(name)
    for _, arrays in generate(name, small(name)):
        assert set(np.unique(arrays["default"])) <= {0, 1}
        assert not arrays["groups"][arrays["default"] == 0].any()


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
    faults = verify("bars", tmp_path)
    assert len(faults) == 1 and "test/groups" in faults[0]


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
        with pytest.raises(dasbe.MissingFileError, match="could not be downloaded") as caught:
            load_digits("train")
        assert all(name in str(caught.value) for name in FILES) and "--mnist DIR" in str(caught.value)

    def test_download_resumes_where_it_broke_off(self, empty_home, monkeypatch):
        content = gzip.compress(np.random.default_rng(0).bytes(16 + 3 * 784), mtime=0)
        name = "t10k-images-idx3-ubyte.gz"
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.headers.get("Range"))
                start = int(asked[-1][6:-1]) if asked[-1] else 0
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                self.wfile.write(content[start:] if start else content[:100])  # the first answer breaks off

            def log_message(self, *arguments):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr("dasbe.datasets.mnist.MIRRORS", (f"http://127.0.0.1:{server.server_port}",) * 2)
        monkeypatch.setitem(FILES, name, hashlib.sha256(gzip.decompress(content)).hexdigest())
        assert load_digits("t10k").shape == (3, 28, 28)
        server.shutdown()
        assert asked == [None, "bytes=100-"]
        assert [path.name for path in (empty_home / "tmp_data").iterdir()] == [name]


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
