"""Files are written whole or not at all, one writer at a time, and what is damaged on the disk is not computed with."""

import gzip
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import filelock
import h5py
import hostile
import numpy as np
import pytest
import torch

import dasbe
from dasbe.ann.architecture import Architecture
from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.weights import load_network, save_network
from dasbe.datasets import load_dataset, make_dataset, mnist
from dasbe.support import checks
from dasbe.support.storage import (
    ABANDONED_SECONDS,
    Unfit,
    atomic_path,
    load_arrays,
    load_record,
    load_tensors,
    one_at_a_time,
    save_arrays,
    save_record,
    untrusted,
)

pytestmark = pytest.mark.quick
ROOT = Path(__file__).resolve().parent.parent


def small_network():
    return Autoencoder(Architecture((6, 6), (), 8))


def network_file(path):
    save_network(path.with_suffix(".pt"), small_network(), {"name": "x"})
    return path.with_suffix(".pt"), lambda file: load_network(file).state_dict()


def checkpoint_file(path):
    torch.save({"epoch": 3, "weights": small_network().state_dict(), "history": [(1, 0.5)]}, path)
    return path, load_tensors


def record_file(path):
    save_record(path, {"scores": [0.25, 0.5], "identity": {"seed": 111}})
    return path, load_record


def arrays_file(path):
    arrays = {"spikes": np.eye(40, dtype=bool), "scores": np.linspace(0, 1, 90)}
    save_arrays(path.with_suffix(".npz"), arrays, {"seed": 1})
    return path.with_suffix(".npz"), lambda file: load_arrays(file, "./figure2.sh")


def dataset_file(path):
    made = make_dataset("shapes", path.parent, {"multi": 20, "test": 1, "single": 1}, progress=False)
    return made, lambda file: load_dataset("shapes", "train_multi", folder=file.parent)


def mnist_file(path):
    content = np.random.default_rng(0).integers(0, 256, 16 + 4 * 784, dtype=np.uint8).tobytes()
    path = path.with_name("train-images-idx3-ubyte.gz")
    path.write_bytes(gzip.compress(content))
    mnist.FILES[path.name] = hashlib.sha256(content).hexdigest()  # restored by the test
    return path, lambda file: mnist.load_digits("train", file.parent)


KINDS = [network_file, checkpoint_file, record_file, arrays_file, dataset_file, mnist_file]


def same(first, second):
    """Whether two contents are equal, down to the bits of their numbers."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, (np.ndarray, torch.Tensor)):
        return first.dtype == second.dtype and np.array_equal(np.asarray(first), np.asarray(second))
    return first == second


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_noticed_or_harmless(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(mnist, "FILES", dict(mnist.FILES))
    path, load = kind(tmp_path / "x")
    whole, sound = path.read_bytes(), load(path)
    rng = np.random.default_rng(1)
    noticed = 0
    for place in rng.choice(8 * len(whole), 200, replace=False):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            content = load(path)
        except dasbe.FileContentError as error:
            assert path.name in str(error) and "\n" not in str(error)
            noticed += 1
        else:
            assert same(content, sound), f"bit {place} changed what was read"
    assert noticed > 40, noticed


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_short_or_of_another_kind_is_refused(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(mnist, "FILES", dict(mnist.FILES))
    path, load = kind(tmp_path / "x")
    whole = path.read_bytes()
    others = [b"", b"\0" * 1000, b"[]", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x1f\x8b\x08"]
    for content in [*others, *(whole[: len(whole) * part // 8] for part in range(1, 8))]:
        path.write_bytes(content)
        with pytest.raises(dasbe.FileContentError, match=path.name):
            load(path)


def raised(error, **options):
    """What becomes of an `error` in a block that reads x.npz."""
    with pytest.raises(BaseException) as caught, untrusted("x.npz", "run", "bind again", **options):
        raise error
    return caught.value


def test_only_the_content_is_blamed_for_what_is_wrong_with_it():
    assert str(raised(PermissionError(13, "x"))) == "run x.npz may not be read by this user; change its permissions"
    assert str(raised(OSError(5, "Input/output error"))) == "run x.npz cannot be read (Input/output error); try again"
    for error in (PermissionError(13, "x"), OSError(5, "x"), dasbe.InputError("split is 'x'")):
        assert type(raised(error)) is dasbe.InputError
    for error in (KeyboardInterrupt(), dasbe.InputError("split is 'x'")):
        assert raised(error) is error
    wanting = raised(MemoryError())
    assert type(wanting) is dasbe.InputError and str(wanting).startswith("run x.npz takes more memory than there is; ")
    for error, options, line in (
        (OSError("truncated file"), {}, "run x.npz is damaged; bind again"),
        (OSError(22, "Invalid argument"), {}, "run x.npz is damaged; bind again"),
        (KeyError("x\ny"), {"damaged": "is odd ({reason})"}, "run x.npz is odd ('x\\ny'); bind again"),
        (Unfit("its delay is 0"), {}, "run x.npz cannot be used: its delay is 0; bind again"),
        (Unfit("its format is 2", "update"), {}, "run x.npz cannot be used: its format is 2; update"),
        (dasbe.InputError("seed is -1"), {"passed_on": True}, "run x.npz cannot be used: seed is -1; bind again"),
    ):
        found = raised(error, **options)
        assert isinstance(found, dasbe.FileContentError) and str(found) == line


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
def test_hostile_files_end_in_one_line(tmp_path):
    """Files of every kind, in a process with 2 GB more address space than the imports take; see tests/hostile.py."""
    command = [sys.executable, hostile.__file__, "60", "1", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    faults = [fault for fault in found["faults"] if ": slow: " not in fault]  # which a busy machine may be
    assert sum(found["counts"].values()) == 60 and faults == []


NO_FILES = ("pipe", "folder", "dangling link", "link to itself", "link to a folder", "link to a device")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files here")
@pytest.mark.parametrize("kind", hostile.KINDS)
def test_what_is_no_file_is_refused_by_every_reader(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mnist, "FILES", dict(mnist.FILES))
    for number, what in enumerate(NO_FILES):
        path = Path(f"{number}{hostile.KINDS[kind][0]}")
        path.touch()
        hostile.ANY[what](path, None)
        result, _ = hostile.outcome(kind, path)
        assert result.startswith("refused") or (kind == "checkpoint" and result == "read"), (what, result)


@pytest.mark.parametrize("packed", [True, False])
def test_digits_are_taken_packed_or_not(tmp_path, monkeypatch, packed):
    monkeypatch.setattr(mnist, "FILES", dict(mnist.FILES))
    path, load = mnist_file(tmp_path / "x")
    expected = load(path)
    if not packed:  # as some browsers leave it
        path.write_bytes(gzip.decompress(path.read_bytes()))
    np.testing.assert_array_equal(load(path), expected)


def test_a_limit_of_address_space_counts_as_memory(monkeypatch):
    resource = pytest.importorskip("resource")
    used = resource.getpagesize() * int(Path("/proc/self/statm").read_text().split()[0])
    for limit, least, most in ((used + 10**8, 0, 10**8), (10**6, 0, 0), (resource.RLIM_INFINITY, 10**8, 10**15)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert least <= checks.available_bytes() <= most


@pytest.mark.parametrize("name", [230 * "n" + ".npz", 80 * "ü" + ".npz", 251 * "n" + ".npz", 300 * "n" + ".npz"])
def test_names_are_as_long_as_the_file_system_allows(tmp_path, name):
    if len(name.encode()) < 256:
        with one_at_a_time(tmp_path / name):
            save_arrays(tmp_path / name, {"a": np.ones(3)}, {})
        assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == [name]
    else:
        with pytest.raises(dasbe.InputError, match="cannot be written .File name too long"):
            save_arrays(tmp_path / name, {"a": np.ones(3)}, {})


def test_weights_that_are_not_finite_are_refused(tmp_path):
    network = small_network()
    network.encoder[0].bias.data[3] = torch.nan
    save_network(tmp_path / "x.pt", network, {})
    with pytest.raises(dasbe.FileContentError, match=r"NaN or infinite \(encoder.0.bias\)"):
        load_network(tmp_path / "x.pt")


def test_an_archive_that_is_larger_unpacked_is_refused(tmp_path):
    import zipfile

    save_network(tmp_path / "x.pt", small_network(), {})
    with zipfile.ZipFile(tmp_path / "x.pt") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "x.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(dasbe.FileContentError, match="x.pt was not loaded"):
        load_network(tmp_path / "x.pt")


class TestAtomicPath:
    def test_a_failed_block_leaves_the_old_file_alone(self, tmp_path):
        path = tmp_path / "x.txt"
        path.write_text("old")
        with pytest.raises(RuntimeError), atomic_path(path) as temporary:
            temporary.write_text("new")
            raise RuntimeError
        assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
    def test_the_umask_says_who_may_read(self, tmp_path, mask):
        before = os.umask(mask)
        try:
            with atomic_path(tmp_path / "x.txt") as temporary:
                temporary.write_text("content")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "x.txt").stat().st_mode) == 0o666 & ~mask

    def test_content_is_on_the_disk_before_it_has_its_name(self, tmp_path, monkeypatch):
        events = []
        fsync, replace = os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", lambda handle: (events.append("fsync"), fsync(handle)))
        monkeypatch.setattr(os, "replace", lambda *paths: (events.append("replace"), replace(*paths)))
        with atomic_path(tmp_path / "x.txt") as temporary:
            temporary.write_text("content")
        assert events == ["fsync", "replace", "fsync"]

    def test_unfinished_files_of_dead_writers_are_removed_and_those_of_living_ones_left(self, tmp_path):
        path = tmp_path / "x.txt"
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        with atomic_path(path) as mine:  # this process is alive
            living = mine.name
            assert f"-{os.getpid()}-" in living
            abandoned = tmp_path / living.replace(f"-{os.getpid()}-", f"-{dead.pid}-")
            elsewhere, long_ago = tmp_path / ".x.txt.other-1-ab.tmp.txt", tmp_path / ".x.txt.other-2-ab.tmp.txt"
            for file in (abandoned, elsewhere, long_ago):
                file.write_text("half")
            then = time.time() - ABANDONED_SECONDS - 60
            os.utime(long_ago, (then, then))
            with atomic_path(path) as other:
                other.write_text("other")
            assert mine.exists() and elsewhere.exists() and not abandoned.exists() and not long_ago.exists()
            mine.write_text("mine")
        assert path.read_text() == "mine"


class TestLock:
    def test_the_second_waits_and_says_so(self, tmp_path, capsys):
        path, order, entered = tmp_path / "folder" / "x.h5", [], threading.Event()

        def first():
            with one_at_a_time(path):
                entered.set()
                time.sleep(0.3)
                order.append("first done")

        thread = threading.Thread(target=first)
        thread.start()
        entered.wait()
        with one_at_a_time(path):
            order.append("second")
        thread.join()
        assert order == ["first done", "second"]
        line = capsys.readouterr().err
        assert line.startswith("waiting for another process to finish ") and "x.h5" in line

    def test_the_lock_of_a_killed_process_is_free(self, tmp_path):
        code = (
            "import sys, time; from dasbe.support.storage import one_at_a_time\n"
            "with one_at_a_time(sys.argv[1]): print('locked', flush=True); time.sleep(60)"
        )
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "x")], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"locked\n"
        process.kill()
        process.wait()
        process.stdout.close()
        with one_at_a_time(tmp_path / "x"):
            pass

    def test_a_link_in_the_place_of_a_lock_is_refused_and_not_followed(self, tmp_path):
        (tmp_path / "precious").write_text("content")
        (tmp_path / ".x.lock").symlink_to("precious")
        with pytest.raises(OSError, match="links"), one_at_a_time(tmp_path / "x"):
            pass
        assert (tmp_path / "precious").read_text() == "content"

    def test_a_file_system_without_locks_is_named_and_used(self, tmp_path, monkeypatch, capsys):
        def no_locks(*arguments, **options):
            raise NotImplementedError

        monkeypatch.setattr(filelock.FileLock, "acquire", no_locks)
        with one_at_a_time(tmp_path / "x"):
            pass
        assert "cannot be locked; do not run two commands on it at once" in capsys.readouterr().err


def test_a_dataset_that_this_process_has_open_can_be_read(tmp_path):
    path, load = dataset_file(tmp_path / "x")
    with h5py.File(path, "r"):
        assert len(load(path)[0]) == 20


def test_a_link_stays_one_and_leads_to_what_is_written(tmp_path):
    (tmp_path / "link").symlink_to("real")
    with atomic_path(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"


@pytest.mark.parametrize("name", ["a**b", "[z]", "a?b", "*"])
def test_any_name_can_be_written(tmp_path, name):
    for text in ("old", "new"):
        with atomic_path(tmp_path / name) as temporary:
            temporary.write_text(text)
    assert [path.name for path in tmp_path.iterdir()] == [name] and (tmp_path / name).read_text() == "new"


def test_what_a_terminal_cannot_show_is_spelled(monkeypatch):
    run = dasbe.bind(np.ones((1, 8, 8)), lambda x: 0.2 * x, delay=14, refractory=3, cycles=2)
    for encoding, size in (("ascii", "8x8"), ("latin-1", "8×8"), ("utf-8", "8×8")):
        with io.TextIOWrapper(io.BytesIO(), encoding=encoding) as terminal:
            monkeypatch.setattr(sys, "stdout", terminal)
            print(run, dasbe.InputError(f"“{size}” …"))
            terminal.flush()
            assert f"image of {size}:" in terminal.buffer.getvalue().decode(encoding)
        monkeypatch.undo()


def test_nothing_is_shown_where_there_is_nothing_to_show_it_on(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", None)
    images = np.ones((1, 8, 8))
    run = dasbe.bind(images, lambda x: 0.2 * x, delay=14, refractory=3, cycles=2, progress=True)
    monkeypatch.undo()
    assert run.spikes.shape == (1, 2, 14, 8, 8)


def test_a_strangers_text_cannot_steer_a_terminal_or_fill_it():
    message = str(dasbe.InputError("split '\x1b[2J\x07\u202e" + 60000 * "x" + "' is not in a.h5; choose one"))
    assert message.isprintable() and len(message) < 1100
    assert r"\x1b[2J\x07\u202e" in message and message.endswith("is not in a.h5; choose one")
