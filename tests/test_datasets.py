"""The datasets equal the published ones bit by bit, and their files can be trusted."""

import hashlib

import h5py
import numpy as np
import pytest

import dasbe
from dasbe.datasets import RECIPES, generate, is_complete, make_dataset, verify
from dasbe.datasets.checksums import CHECKSUMS


@pytest.mark.parametrize("name", RECIPES)
def test_arrays_equal_the_published_ones(name):
    digests, shapes = {}, {}
    for group, arrays in generate(name):
        for key, array in arrays.items():
            assert array.dtype == np.uint8
            digest = digests.setdefault(f"{group}/{key}", hashlib.sha256())
            digest.update(np.ascontiguousarray(array))
            shapes[f"{group}/{key}"] = (shapes.get(f"{group}/{key}", (0,))[0] + len(array), *array.shape[1:])
    found = {key: (shapes[key], digest.hexdigest()) for key, digest in digests.items()}
    assert found == CHECKSUMS[name]


SMALL = {"multi": 30, "test": 5, "single": 9}


@pytest.mark.parametrize("name", RECIPES)
def test_labels_are_consistent_with_images(name):
    for _, arrays in generate(name, SMALL):
        assert set(np.unique(arrays["default"])) <= {0, 1}
        assert not arrays["groups"][arrays["default"] == 0].any()


def test_written_and_read_back(tmp_path):
    make_dataset("shapes", tmp_path, SMALL, progress=False)
    drawn = dict(generate("shapes", SMALL))
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


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def breaks(rng, sizes):
        yield "train_multi", {"default": np.zeros((2, 3, 3), np.uint8)}
        raise KeyboardInterrupt

    recipe = RECIPES["bars"]
    monkeypatch.setitem(RECIPES, "bars", type(recipe)(breaks, recipe.seed, recipe.sizes))
    with pytest.raises(KeyboardInterrupt):
        make_dataset("bars", tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


class TestBadInput:
    def test_unknown_dataset(self):
        with pytest.raises(dasbe.InputError, match="'circles' is unknown; choose one of bars"):
            dasbe.load_dataset("circles")

    def test_missing_file_names_the_command(self, tmp_path):
        with pytest.raises(dasbe.MissingFileError, match="make it with: python -m dasbe.datasets shapes"):
            dasbe.load_dataset("shapes", folder=tmp_path)

    def test_truncated_file(self, tmp_path):
        path = make_dataset("shapes", tmp_path, SMALL, progress=False)
        for size in (100, path.stat().st_size // 2):
            path.write_bytes(path.read_bytes()[:size])
            with pytest.raises(dasbe.FileContentError, match="shapes.h5.*delete"):
                dasbe.load_dataset("shapes", folder=tmp_path)

    def test_unknown_split_and_range(self, tmp_path):
        make_dataset("shapes", tmp_path, SMALL, progress=False)
        with pytest.raises(dasbe.InputError, match="split 'train' is not in .*train_multi"):
            dasbe.load_dataset("shapes", "train", folder=tmp_path)
        for start, stop in ((0, 31), (-1, 3), (5, 5), (30, None)):
            with pytest.raises(dasbe.InputError, match="outside shapes/train_multi, which has 0 to 30"):
                dasbe.load_dataset("shapes", "train_multi", start, stop, folder=tmp_path)
