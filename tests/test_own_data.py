"""Images of a user's own: what is read is what the file shows, and anything doubtful is refused in one line."""

import io
import os
import re
import struct
import zipfile
import zlib
from functools import partial
from multiprocessing import get_context
from threading import Thread

import h5py
import numpy as np
import pytest
from PIL import Image, ImageFile

import dasbe
from dasbe.datasets import generate
from dasbe.datasets.generators import SHAPES
from dasbe.datasets.images import FORMATS
from dasbe.support.storage import one_at_a_time

pytestmark = pytest.mark.quick

INK = np.zeros((6, 9), np.uint8)
INK[1:4, 2:7], INK[2, 3:5] = 1, 0


def encoded(picture, kind, **options):
    """The bytes of a picture file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(name, content):
    """A chunk of a PNG file."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_of_size(width, height):
    """A PNG file that says it is of a size, and holds hardly anything."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


BRIGHT = zlib.compress(bytes(5) + b"\xff" + bytes(994))
PICTURE = Image.fromarray(255 * INK)
PNG = encoded(PICTURE, "PNG")
NOT_READ = "is not an image that can be read (PNG, JPEG, BMP, GIF, TIFF, PPM, WEBP); save it as PNG"
DAMAGED = "is damaged or cut off; save it again as PNG"
BAD_PICTURES = {
    "empty": (b"", NOT_READ),
    "text": (b"text\n", NOT_READ),
    "a program for Ghostscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 6\n(x) print quit\n", NOT_READ),
    "EPS": (encoded(PICTURE, "EPS"), NOT_READ),
    "PDF": (encoded(PICTURE, "PDF"), NOT_READ),
    "ICO": (encoded(PICTURE, "ICO"), NOT_READ),
    "TGA": (encoded(PICTURE, "TGA"), NOT_READ),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="6"/>', NOT_READ),
    "cut off in the header": (PNG[:20], DAMAGED),
    "cut off": (PNG[: len(PNG) // 2 + 8], DAMAGED),
    "with a wrong bit": (PNG[:45] + bytes([PNG[45] ^ 16]) + PNG[46:], DAMAGED),
    "another picture than its checksum is of": (png_of_size(9, 6).replace(zlib.compress(bytes(1000)), BRIGHT), DAMAGED),
    "a JPEG that is cut off": (encoded(PICTURE, "JPEG")[:-30], DAMAGED),
    "a GIF that is cut off": (encoded(PICTURE, "GIF")[:-8], DAMAGED),
    "a TIFF that is cut off": (encoded(PICTURE, "TIFF")[:60], ("is not an image", "is damaged")),
    "of another size": (encoded(PICTURE.resize((8, 8)), "PNG"), "is 8×8 pixels, but the network takes 6×9"),
    "on its side": (encoded(PICTURE.transpose(Image.Transpose.ROTATE_90), "PNG"), "is 9×6 pixels"),
    "large": (png_of_size(9000, 9000), "is 9000×9000 pixels, but the network takes 6×9"),
    "a bomb": (png_of_size(10**6, 10**6), "is far too large"),
    "a large PPM": (b"P5 1000000 1000000 255\n", "is far too large"),
}


@pytest.mark.parametrize("content, reason", BAD_PICTURES.values(), ids=BAD_PICTURES)
def test_bad_pictures_are_refused_in_one_line(tmp_path, monkeypatch, content, reason):
    path = tmp_path / "mine.png"
    path.write_bytes(content)
    if ("large" in reason or "pixels" in reason) and "9×6" not in reason:  # which a photograph may be turned to
        monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("it is decoded"))
    with pytest.raises(dasbe.InputError) as caught:
        dasbe.load_image(path, INK.shape)
    line = str(caught.value)
    assert any(words in line for words in ((reason,) if isinstance(reason, str) else reason)), line
    assert str(path) in line and len(line.splitlines()) == 1 and len(line) < 300


@pytest.mark.parametrize("kind", FORMATS)
def test_formats_that_are_read(tmp_path, kind):
    lossless = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    (tmp_path / "mine").write_bytes(encoded(PICTURE, kind, **lossless))
    np.testing.assert_array_equal(dasbe.load_image(tmp_path / "mine", INK.shape), INK)


def test_a_picture_that_may_not_be_read_is_not_damaged(tmp_path, monkeypatch):
    (tmp_path / "mine.png").write_bytes(PNG)

    def not_permitted(*arguments):
        raise PermissionError(13, "Permission denied")

    with pytest.raises(dasbe.InputError, match="is a folder; give the path of a file"):
        dasbe.load_image(tmp_path, INK.shape)
    with pytest.raises(dasbe.MissingFileError, match="none.png is not there"):
        dasbe.load_image(tmp_path / "none.png", INK.shape)
    monkeypatch.setattr("dasbe.support.paths.open", not_permitted, raising=False)
    with pytest.raises(dasbe.InputError, match="mine.png may not be read by this user") as caught:
        dasbe.load_image(tmp_path / "mine.png", INK.shape)
    assert not isinstance(caught.value, dasbe.FileContentError)


MOST = 1 - INK  # more than half of its pixels are 1
NOISE = np.random.default_rng(0)


def grey(values, dtype=np.uint8):
    return Image.fromarray(np.asarray(values, dtype))


def palette(indices, *colours):
    picture = Image.fromarray(indices, "L")
    picture = Image.frombytes("P", picture.size, picture.tobytes())
    picture.putpalette([value for colour in colours for value in colour])
    return picture


def coloured(ink, paper):
    return Image.fromarray(np.where(INK[..., None] == 1, np.uint8(ink), np.uint8(paper)))


def with_transparency(picture, colour):
    picture.info["transparency"] = colour
    return picture


# what a file shows, its kind, and its ink
SHOWN = {
    "bright on dark": (grey(255 * INK), "PNG", INK),
    "dark on bright": (grey(255 * MOST), "PNG", INK),
    "0 and 1": (grey(INK), "PNG", INK),
    "0 and 1, mostly 1": (grey(MOST), "PNG", MOST),
    "0 and 1 in colour": (coloured((1, 1, 1), (0, 0, 0)), "PNG", INK),
    "0 and 1, mostly 1, of 16 bits": (grey(MOST, np.uint16), "PNG", MOST),
    "0 and 1, mostly 1, of 32 bits": (grey(MOST, np.int32), "TIFF", MOST),
    "0 and 1, mostly 1, in a grey palette": (palette(MOST, (0, 0, 0), (1, 1, 1)), "PNG", MOST),
    "one bit, bright on dark": (grey(255 * INK).convert("1"), "PNG", INK),
    "one bit, dark on bright": (grey(255 * MOST).convert("1"), "PNG", INK),
    "one bit, TIFF": (grey(255 * MOST).convert("1"), "TIFF", INK),
    "PBM": (grey(255 * MOST).convert("1"), "PPM", INK),
    "a palette of black and white": (palette(MOST, (0, 0, 0), (255, 255, 255)), "PNG", INK),
    "a palette of white and black": (palette(INK, (255, 255, 255), (0, 0, 0)), "GIF", INK),
    "a palette of black and dark red": (palette(INK, (0, 0, 0), (128, 0, 0)), "PNG", INK),
    "almost no contrast": (grey(100 + 4 * INK), "PNG", INK),
    "two dark greys": (grey(20 + 3 * MOST), "BMP", INK),
    "16 bits": (grey(65535 * INK.astype(int), np.uint16), "PNG", INK),
    "12 bits in 16": (grey(4095 * MOST.astype(int), np.uint16), "PNG", INK),
    "16 bits, both above 255": (grey(1000 + 3000 * INK.astype(int), np.uint16), "PNG", INK),
    "16 bits, big-endian": (Image.frombytes("I;16B", (9, 6), (300 * INK.astype(">u2")).tobytes()), "TIFF", INK),
    "floats from 0 to 1": (grey(INK, np.float32), "TIFF", INK),
    "floats from 1 to 0": (grey(MOST, np.float32), "TIFF", INK),
    "small floats": (grey(INK * 1e-6, np.float32), "TIFF", INK),
    "negative floats": (grey(-5.0 * MOST, np.float32), "TIFF", INK),
    "red on black": (coloured((255, 0, 0), (0, 0, 0)), "PNG", INK),
    "yellow on white": (coloured((255, 255, 0), (255, 255, 255)), "PNG", INK),
    "black on nothing": (coloured((0, 0, 0, 255), (0, 0, 0, 0)), "PNG", INK),
    "black on white nothing": (coloured((0, 0, 0, 255), (255, 255, 255, 90)), "WEBP", INK),
    "grey on nothing": (coloured((9, 200), (9, 50)).convert("LA"), "PNG", INK),
    "black and white, black is transparent": (with_transparency(grey(255 * MOST), 0), "PNG", MOST),
    "JPEG": (grey(255 * np.kron(MOST, np.ones((8, 8), int))), "JPEG", np.kron(INK, np.ones((8, 8), np.uint8))),
    "JPEG of inks": (grey(255 * INK).convert("CMYK"), "JPEG", INK),
    "shades at the edge": (grey(255 * INK - 90 * (np.arange(9) == 2) * INK), "PNG", INK),
}


@pytest.mark.parametrize("picture, kind, ink", SHOWN.values(), ids=SHOWN)
def test_ink_is_where_a_reader_sees_it(tmp_path, picture, kind, ink):
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    (tmp_path / "mine").write_bytes(encoded(picture, kind, **options))
    found = dasbe.load_image(tmp_path / "mine")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, ink)


FRAMES = {"save_all": True, "append_images": [grey(255 * MOST)]}
DOUBTFUL = {
    "white": (grey(255 * np.ones((6, 9))), "PNG", {}, "has no ink: all its pixels are equally bright"),
    "all 1": (grey(np.ones((6, 9))), "PNG", {}, "has no ink: all its pixels are equally bright"),
    "equally bright colours": (coloured((255, 0, 0), (0, 0, 255)), "PNG", {}, "equally bright"),
    "nothing": (coloured((0, 0, 0, 0), (255, 255, 255, 0)), "PNG", {}, "has no ink: all its pixels are transparent"),
    "half and half": (grey(255 * (np.arange(36).reshape(6, 6) % 2)), "PNG", {}, "as many bright pixels as dark ones"),
    "noise": (grey(NOISE.normal(100, 9, (20, 20))), "PNG", {}, "has more grey pixels than"),
    "a gradient": (
        grey(np.arange(400).reshape(20, 20) // 2),
        "PNG",
        {},
        "give a threshold, or make it black and white",
    ),
    "NaN": (grey(np.where(INK, np.nan, 0), np.float32), "TIFF", {}, "holds values that are not finite"),
    "infinity": (grey(np.where(INK, np.inf, 0), np.float32), "TIFF", {}, "holds values that are not finite"),
    "two frames": (grey(255 * INK), "GIF", FRAMES, "has several frames"),
    "two frames of PNG": (grey(255 * INK), "PNG", FRAMES, "has several frames"),
    "two pages": (grey(255 * INK), "TIFF", FRAMES, "has several frames"),
    "more than 4096 a side": (grey(np.ones((1, 5000))), "PNG", {}, "1×5000 pixels, more than 4096 a side"),
}


@pytest.mark.parametrize("picture, kind, options, reason", DOUBTFUL.values(), ids=DOUBTFUL)
def test_doubtful_pictures_are_refused_in_one_line(tmp_path, picture, kind, options, reason):
    (tmp_path / "mine").write_bytes(encoded(picture, kind, **options))
    with pytest.raises(dasbe.InputError) as caught:
        dasbe.load_image(tmp_path / "mine")
    assert reason in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_a_threshold_leaves_nothing_to_guess(tmp_path):
    steps = np.arange(0, 55).reshape(5, 11)
    grey(10 + 2 * steps).save(tmp_path / "mine.png")
    for threshold in (0, 0.25, 0.5, 0.9):
        np.testing.assert_array_equal(
            dasbe.load_image(tmp_path / "mine.png", threshold=threshold), steps > threshold * 54
        )
    for threshold, ink in ((0.5, MOST), (1, None)):
        grey(255 * MOST).save(tmp_path / "mine.png")
        if ink is None:
            with pytest.raises(dasbe.InputError, match="no ink: none of its pixels are brighter than the threshold 1"):
                dasbe.load_image(tmp_path / "mine.png", threshold=threshold)
        else:
            np.testing.assert_array_equal(dasbe.load_image(tmp_path / "mine.png", threshold=threshold), ink)
    coloured((255, 255, 255, 0), (0, 0, 0, 255)).save(tmp_path / "mine.png")
    with pytest.raises(dasbe.InputError, match="no ink: none of its pixels"):  # what is bright is transparent
        dasbe.load_image(tmp_path / "mine.png", threshold=0.5)


# files of images

RNG = np.random.default_rng(3)
IMAGES = (RNG.random((5, 6, 9)) < 0.4).astype(np.uint8)
IMAGES[0, 0, 0], IMAGES[0, 0, 1] = 1, 0
GROUPS = (IMAGES * RNG.integers(0, 4, IMAGES.shape)).astype(np.uint8)  # 0 in the ink: overlap
GROUPS[0, 0, 0] = 0
SIGNED = np.where((GROUPS == 0) & (IMAGES == 1), -1, GROUPS.astype(np.int8))
FILMS, FILM_GROUPS = IMAGES[:4].reshape(2, 2, 6, 9), GROUPS[:4].reshape(2, 2, 6, 9)


def hdf5(path, **arrays):
    """An HDF5 file; the first _ of a key is the slash."""
    with h5py.File(path, "w") as file:
        for key, array in arrays.items():
            file["/".join(key.rsplit("_", 1))] = array


def numpy(path, **arrays):
    np.savez(path, **arrays)


def hdf5_pair(images, groups, **more):
    return hdf5, ".h5", {"train_multi_default": images, "train_multi_groups": groups, **more}


def numpy_pair(images, **more):
    return numpy, ".npz", {"images": images, **more}


LAYOUTS = {
    "as ours": hdf5_pair(IMAGES, GROUPS),
    "as the published scripts": hdf5_pair(IMAGES.astype(np.float32), GROUPS.astype(np.float32)),
    "as RC": hdf5_pair(IMAGES[None, ..., None].astype(np.float32), GROUPS[None, ..., None].astype(np.float32)),
    "0 and 255": hdf5_pair(255 * IMAGES, GROUPS),
    "bool": hdf5_pair(IMAGES > 0, GROUPS.astype(np.int64)),
    "a channel axis": hdf5_pair(IMAGES[:, None], GROUPS),
    "a channel axis at the end": hdf5_pair(IMAGES[..., None], GROUPS[..., None]),
    "overlap as -1": hdf5_pair(IMAGES, SIGNED),
    "films": hdf5_pair(FILMS, FILM_GROUPS),
    "no labels": (hdf5, ".hdf5", {"train_multi_default": IMAGES}),
    "a split of another name": (hdf5, ".h5", {"mine_default": IMAGES, "mine_groups": GROUPS}),
    "other splits": hdf5_pair(IMAGES, GROUPS, test_default=IMAGES[:1]),
    "NumPy": numpy_pair(IMAGES, groups=GROUPS),
    "NumPy, as of Complex AutoEncoders": numpy_pair(IMAGES[:, None].astype(np.float32), labels=SIGNED.astype(float)),
    "NumPy, other arrays": numpy_pair(IMAGES.astype(np.float16), labels=GROUPS, shapes=np.array(["x"])),
    "NumPy, 0 and 255": numpy_pair(255 * IMAGES.astype(np.int64), labels=GROUPS.astype(np.int16)),
    "NumPy, Fortran order": numpy_pair(np.asfortranarray(IMAGES), labels=np.asfortranarray(GROUPS)),
    "NumPy, no labels": numpy_pair(IMAGES > 0),
    "NumPy, films": numpy_pair(FILMS, labels=FILM_GROUPS),
}


@pytest.mark.parametrize("write, suffix, arrays", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_that_are_read(tmp_path, write, suffix, arrays):
    path = tmp_path / f"mine{suffix}"
    write(path, **arrays)
    films = any(array.ndim == 4 and array.shape[1] == 2 for array in arrays.values())
    images, groups = (FILMS, FILM_GROUPS) if films else (IMAGES, GROUPS)
    if not any(key.endswith(("groups", "labels")) for key in arrays):
        groups = None
    for name in (path, str(path)):
        for start, stop in ((0, None), (1, 2)):
            found = dasbe.load_dataset(name, start=start, stop=stop)
            assert all(part is None or part.dtype == np.uint8 for part in found)
            np.testing.assert_array_equal(found[0], images[start:stop])
            assert (found[1] is None) == (groups is None)
            if groups is not None:
                np.testing.assert_array_equal(found[1], groups[start:stop])


def _many(path, **arrays):
    """Arrays that are not there as they say: fewer bytes than the header has."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**14, 9, 9)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", header.getvalue() + bytes(100))


def _broken_sum(path, **arrays):
    np.savez(path, **arrays)
    content = bytearray(path.read_bytes())
    content[content.index(IMAGES.tobytes())] ^= 1
    path.write_bytes(content)


def _broken_name(path, **arrays):
    np.savez(path, **arrays)
    content = path.read_bytes()
    path.write_bytes(b"lobels".join(content.rsplit(b"labels", 1)))


def _linked(path, **arrays):
    with h5py.File(path, "w") as file:
        file["kept"] = IMAGES
        file["train_multi/default"] = h5py.SoftLink("/kept")


WITH_A_LABEL = np.where(IMAGES == 0, 3, GROUPS)
OWN_REFUSED = {
    "grey": (*numpy_pair(IMAGES * 0.5), "its images hold 0.5, not only 0 and 1: binarise them"),
    "0, 1 and 255": (*numpy_pair(IMAGES + 254 * (GROUPS > 1)), "its images hold 1, not only 0 and 255"),
    "0 and 2": (*hdf5_pair(2 * IMAGES, GROUPS), "its images hold 2, not only 0 and 1"),
    "-1": (*numpy_pair(-IMAGES.astype(np.int8)), "its images hold -1"),
    "NaN": (*hdf5_pair(IMAGES * np.nan, GROUPS), "its images hold nan"),
    "text": (*numpy_pair(IMAGES.astype(str)), "of <U3; expected numbers (N, H, W)"),
    "complex numbers": (*numpy_pair(IMAGES * 1j), "of complex128; expected numbers"),
    "objects": (*numpy_pair(IMAGES.astype(object)), "Object arrays cannot be loaded"),
    "a number": (*numpy_pair(np.array(1)), "images is an array () of int64; expected numbers (N, H, W)"),
    "one image": (*numpy_pair(IMAGES[0]), "images is an array (6, 9) of uint8; expected numbers (N, H, W)"),
    "no images": (*numpy_pair(IMAGES[:0]), "images is an array (0, 6, 9)"),
    "colours": (*numpy_pair(np.stack([IMAGES] * 3, -1)[None]), "images is an array (1, 5, 6, 9, 3)"),
    "two channel axes": (*numpy_pair(IMAGES[:, None, :, :1]), "images is an array (5, 1, 6, 1)"),
    "fewer labels": (*numpy_pair(IMAGES, labels=GROUPS[1:]), "it has images (5, 6, 9) and labels (4, 6, 9)"),
    "flat labels": (*hdf5_pair(IMAGES, GROUPS[0]), "train_multi/groups is an array (6, 9)"),
    "half labels": (*numpy_pair(IMAGES, labels=GROUPS / 2), "its labels hold 0.5; expected whole numbers"),
    "labels of -2": (*numpy_pair(IMAGES, labels=-2 * IMAGES.astype(int)), "its labels hold -2"),
    "labels of 256": (*hdf5_pair(IMAGES, 256 * IMAGES.astype(int)), "its labels hold 256"),
    "labels of NaN": (*numpy_pair(IMAGES, labels=IMAGES * np.nan), "its labels hold nan"),
    "labels without ink": (*numpy_pair(IMAGES, labels=WITH_A_LABEL), "no ink: labels * images leaves them out"),
    "labels twice": (*numpy_pair(IMAGES, labels=GROUPS, groups=GROUPS), "it holds the arrays images, labels, groups"),
    "no array of images": (numpy, ".npz", {"x": IMAGES, "y": IMAGES}, "it holds the arrays x, y; expected images"),
    "no array default": (hdf5, ".h5", {"train_multi_x": IMAGES}, "train_multi/default is missing"),
    "a link": (_linked, ".h5", {}, "train_multi/default is a link, which is not followed"),
    "fewer bytes than it says": (_many, ".npz", {}, "images is shorter than it says"),
    "a wrong byte": (_broken_sum, ".npz", {"images": IMAGES}, "Bad CRC-32"),
    "a wrong byte in a name": (_broken_name, ".npz", {"images": IMAGES, "labels": GROUPS}, "differ"),
    "an HDF5 file that is text": (lambda path: path.write_text("text"), ".h5", {}, "file signature not found"),
    "a NumPy file that is text": (lambda path: path.write_text("text"), ".npz", {}, "File is not a zip file"),
    "another suffix": (lambda path: path.write_text("text"), ".mat", {}, "is none of .h5, .hdf5, .npz, .npy, nor"),
    "a picture": (lambda path: path.write_bytes(PNG), ".png", {}, "for one picture there is dasbe.load_image"),
}


@pytest.mark.parametrize("write, suffix, arrays, reason", OWN_REFUSED.values(), ids=OWN_REFUSED)
def test_files_of_other_content_are_refused_in_one_line(tmp_path, write, suffix, arrays, reason):
    path = tmp_path / f"mine{suffix}"
    write(path, **arrays)
    with pytest.raises(dasbe.FileContentError) as caught:
        dasbe.load_dataset(path)
    line = str(caught.value)
    assert reason in line and str(path) in line and len(line.splitlines()) == 1


def test_splits_and_ranges_of_ones_own_files(tmp_path):
    hdf5(tmp_path / "mine.h5", a_default=IMAGES, b_default=IMAGES[:2])
    np.testing.assert_array_equal(dasbe.load_dataset(tmp_path / "mine.h5", "b")[0], IMAGES[:2])
    numpy(tmp_path / "mine.npz", images=IMAGES)
    for arguments, reason in (
        (("mine.h5",), "split 'train_multi' is not in .*mine.h5; choose one of a, b"),
        (("mine.h5", "c"), "split 'c' is not in .*mine.h5; choose one of a, b"),
        (("mine.h5", "a", 3, 6), "images 3 to 6 are outside .*mine.h5/a, which has 0 to 5"),
        (("mine.npz", "a"), "split is 'a', but name is .*mine.npz, which has no splits; leave it out"),
        (("mine.npz", None, 5), "images 5 to 5 are outside .*mine.npz, which has 0 to 5"),
    ):
        with pytest.raises(dasbe.InputError, match=reason):
            dasbe.load_dataset(tmp_path / arguments[0], *arguments[1:])
    with pytest.raises(dasbe.InputError, match="folder is given, and name is the path"):
        dasbe.load_dataset(tmp_path / "mine.h5", "a", folder=tmp_path)
    with pytest.raises(dasbe.MissingFileError, match="none.npz is not there; give the path of a file or folder"):
        dasbe.load_dataset(tmp_path / "none.npz")


class TestFolderOfPictures:
    @pytest.fixture
    def folder(self, tmp_path):
        folder = tmp_path / "pictures"
        (folder / "more").mkdir(parents=True)
        for i, (image, suffix) in enumerate(zip(IMAGES, ("png", "PNG", "tif", "bmp", "gif"))):
            grey(255 * image).save(folder / f"{4 - i}.{suffix}")
        (folder / "notes.txt").write_text("text")
        (folder / ".hidden.png").write_text("text")
        return folder

    def test_they_come_in_the_order_of_their_names(self, folder, monkeypatch):
        images, groups = dasbe.load_dataset(folder)
        np.testing.assert_array_equal(images, IMAGES[::-1])
        assert images.dtype == np.uint8 and groups is None
        monkeypatch.chdir(folder.parent)
        (folder / "0.gif").write_text("not looked at")
        np.testing.assert_array_equal(dasbe.load_dataset("./pictures", start=1, stop=3)[0], IMAGES[[3, 2]])
        with pytest.raises(
            dasbe.InputError, match=r"'pictures' is unknown; if the folder is meant, write './pictures'"
        ):
            dasbe.load_dataset("pictures")

    def test_they_must_be_alike(self, folder):
        grey(255 * np.eye(8)).save(folder / "4.png")
        with pytest.raises(dasbe.InputError, match="4.png is 8×8 pixels, but 0.gif is 6×9"):
            dasbe.load_dataset(folder)
        grey(255 - 255 * IMAGES[0]).save(folder / "4.png")
        with pytest.raises(
            dasbe.InputError, match="4.png has ink that is dark, that of image .*0.gif is bright; make them alike"
        ):
            dasbe.load_dataset(folder)
        (folder / "4.png").write_bytes(PNG[:60])
        with pytest.raises(dasbe.FileContentError, match="4.png is damaged or cut off"):
            dasbe.load_dataset(folder)

    def test_a_folder_without_pictures(self, folder):
        with pytest.raises(dasbe.MissingFileError, match="more has no pictures"):
            dasbe.load_dataset(folder / "more")
        with pytest.raises(dasbe.InputError, match="split is 'test', but name is .*pictures, which has no splits"):
            dasbe.load_dataset(folder, "test")


class TestSaving:
    @pytest.mark.parametrize("suffix", [".h5", ".hdf5", ".npz", ".HDF5", ".NPZ"])
    @pytest.mark.parametrize("images, groups", [(IMAGES, GROUPS), (IMAGES, None), (FILMS, FILM_GROUPS)])
    def test_what_is_saved_is_read(self, tmp_path, suffix, images, groups):
        path = dasbe.save_dataset(tmp_path / "new" / f"mine{suffix}", images, groups)
        found = dasbe.load_dataset(path)
        np.testing.assert_array_equal(found[0], images)
        assert (found[1] is None) == (groups is None)
        if groups is not None:
            np.testing.assert_array_equal(found[1], groups)
        assert [file.name for file in path.parent.iterdir() if file.suffix != ".lock"] == [path.name]

    def test_a_file_gets_more_splits(self, tmp_path):
        path = tmp_path / "mine.h5"
        dasbe.save_dataset(path, IMAGES, GROUPS, name="rings")
        dasbe.save_dataset(path, IMAGES[:2], split="train_single")
        os.replace(path, path := tmp_path / "yours.h5")
        dasbe.save_dataset(path, IMAGES[2:], GROUPS[2:], "test")
        before = path.read_bytes()
        np.testing.assert_array_equal(dasbe.load_dataset(path), (IMAGES, GROUPS))
        np.testing.assert_array_equal(dasbe.load_dataset(path, "test"), (IMAGES[2:], GROUPS[2:]))
        images, groups = dasbe.load_dataset(path, "train_single")
        np.testing.assert_array_equal(images, IMAGES[:2])
        assert groups is None
        for options, reason in (
            ({}, "split 'train_multi' is in .*yours.h5 already"),
            ({"split": "x", "name": "other"}, "it says that it holds rings; give another path"),
        ):
            with pytest.raises(dasbe.InputError, match=reason):
                dasbe.save_dataset(path, IMAGES, **options)
        assert path.read_bytes() == before

    def test_what_is_there_is_replaced_if_that_is_said(self, tmp_path):
        path = dasbe.save_dataset(tmp_path / "mine.h5", IMAGES, GROUPS, "test", name="rings")
        dasbe.save_dataset(path, IMAGES, GROUPS)
        size = path.stat().st_size
        for _ in range(3):
            dasbe.save_dataset(path, IMAGES[1:3], split="test", replace=True)
        images, groups = dasbe.load_dataset(path, "test")
        np.testing.assert_array_equal(images, IMAGES[1:3])
        assert groups is None and path.stat().st_size <= size
        np.testing.assert_array_equal(dasbe.load_dataset(path), (IMAGES, GROUPS))
        dasbe.save_dataset(path, IMAGES, split="new", name="rings", replace=True)  # nothing to replace
        path = dasbe.save_dataset(tmp_path / "mine.npz", IMAGES, GROUPS)
        with pytest.raises(dasbe.InputError, match="mine.npz is there already; give another, or replace=True"):
            dasbe.save_dataset(path, IMAGES[1:3])
        dasbe.save_dataset(path, IMAGES[1:3], replace=True)
        np.testing.assert_array_equal(dasbe.load_dataset(path)[0], IMAGES[1:3])

    def test_other_files_are_left_alone(self, tmp_path, monkeypatch):
        hdf5(tmp_path / "mine.h5", x_default=IMAGES)
        numpy(tmp_path / "mine.npz", images=IMAGES)
        (tmp_path / "text.h5").write_text("text")
        (tmp_path / "empty.h5").touch()
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        for name, reason in (
            ("mine.h5", "it says that it holds None"),
            ("mine.npz", "mine.npz is there already"),
            ("text.h5", "file signature not found"),
            ("empty.h5", "file signature not found"),
            ("shapes.h5", "name is 'shapes', as a published dataset is called; give another with name="),
        ):
            with pytest.raises(dasbe.InputError, match=reason):
                dasbe.save_dataset(tmp_path / name, IMAGES)
            if name != "mine.npz":
                with pytest.raises(dasbe.InputError, match=reason):
                    dasbe.save_dataset(tmp_path / name, IMAGES, split="x", replace=True)
        monkeypatch.setattr("dasbe.datasets.files.append", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            dasbe.save_dataset(tmp_path / "new.h5", IMAGES)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".lock"} == before


# scenes

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
BAR = np.ones((1, 4), bool)
draw = partial(dasbe.draw_scenes, [CROSS, BAR], (8, 10))


class TestScenes:
    def test_every_object_is_one_of_the_templates(self):
        images, groups = draw(800, objects=1, seed=3)
        assert images.dtype == groups.dtype == np.uint8
        np.testing.assert_array_equal(images, groups)
        pasted = set()
        for image in images:
            rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
            cut = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            assert any(np.array_equal(cut, template) for template in (CROSS, BAR))
            pasted.add((cut.shape, rows[0], columns[0]))
        assert {(shape, 0, 0) for shape in (CROSS.shape, BAR.shape)} < pasted  # first and last place
        assert {((3, 3), 5, 7), ((1, 4), 7, 6)} < pasted

    def test_objects_are_numbered_and_overlaps_belong_to_none(self):
        images, groups = draw(300, objects=4)
        assert not groups[images == 0].any() and groups.max() == 4
        covered_twice = (images == 1) & (groups == 0)
        assert covered_twice.any((1, 2)).sum() > 100
        sizes = np.stack([(groups == k).sum((1, 2)) for k in range(1, 5)], 1)
        assert sizes.max() == 5 and np.isin(sizes[~covered_twice.any((1, 2))], (4, 5)).all()

    def test_objects_apart(self):
        images, groups = draw(100, objects=(2, 5), overlap=False)
        np.testing.assert_array_equal(groups > 0, images == 1)
        found = groups.max((1, 2))
        assert set(found) == {2, 3, 4, 5}
        for labels, n_objects in zip(groups, found):
            assert set(np.bincount(labels.ravel(), minlength=n_objects + 1)[1:]) <= {4, 5}

    def test_a_scene_that_is_begun_again_keeps_nothing(self):
        """Four squares hardly fit, so that most scenes are begun more than once."""
        images, groups = dasbe.draw_scenes([np.ones((2, 2))], (4, 5), 50, objects=4, overlap=False)
        assert all(np.array_equal(np.bincount(labels.ravel()), [4, 4, 4, 4, 4]) for labels in groups)
        np.testing.assert_array_equal(groups > 0, images == 1)

    def test_images_depend_on_seed_and_number_alone(self):
        for overlap in (True, False):
            many, few = draw(30, overlap=overlap, seed=5), draw(7, overlap=overlap, seed=5)
            np.testing.assert_array_equal([part[:7] for part in many], few)
            assert (draw(7, overlap=overlap, seed=6)[1] != few[1]).any()
        assert len({groups.tobytes() for groups in draw(30)[1]}) == 30

    def test_places_are_as_likely_as_in_the_published_data(self):
        """Coverage of each pixel, of shapes drawn here and there: the same within sampling errors."""
        published = next(generate("shapes", {"multi": 3000, "test": 1, "single": 1}))[1]["default"]
        drawn, _ = dasbe.draw_scenes(SHAPES, (28, 28), 3000)
        error = np.sqrt(2 * 0.25 / 3000)
        assert np.abs(drawn.mean(0) - published.mean(0)).max() < 4.5 * error

    def test_what_does_not_fit_is_refused(self):
        with pytest.raises(dasbe.InputError, match="objects: 40 of them hardly fit on 8×10 pixels without overlap"):
            draw(3, objects=40, overlap=False)
        with pytest.raises(dasbe.InputError, match=r"templates\[1\] is \(9, 2\), which does not fit into image_shape"):
            dasbe.draw_scenes([CROSS, np.ones((9, 2))], (8, 10), 3)


def test_own_objects_bind(random_network):
    """What is drawn, saved and read is what the loop takes."""
    images, groups = dasbe.draw_scenes(SHAPES, (28, 28), 2)
    run = dasbe.bind(images, random_network(), delay=16, refractory=4, cycles=3)
    assert dasbe.group(run, n_groups=4).shape == groups.shape


def layout_versions(content):
    """Versions of the layout messages of all arrays in the bytes of an HDF5 file (format specification, IV.A.1.b)."""
    for start in [match.start() for match in re.finditer(b"OHDR", content)]:
        flags, at = content[start + 5], start + 6
        at += 16 * bool(flags & 32) + 4 * bool(flags & 16)
        width = 1 << (flags & 3)
        end = at + width + int.from_bytes(content[at : at + width], "little")
        at += width
        while at < end - 4:
            kind, size, data = content[at], int.from_bytes(content[at + 1 : at + 3], "little"), at + 4
            data += 2 * bool(flags & 4)
            if kind == 8:
                yield content[data]
            at = data + size


def test_hdf5_files_are_of_a_version_that_other_programs_read(tmp_path):
    path = dasbe.save_dataset(tmp_path / "a.h5", IMAGES, GROUPS)
    dasbe.save_dataset(path, IMAGES, GROUPS, split="test")
    versions = [*layout_versions(path.read_bytes())]
    assert len(versions) == 4 and max(versions) <= 4  # HDF5 1.10; 2.0 writes 5
    with h5py.File(tmp_path / "new.h5", "w", libver="latest") as file:
        file.create_dataset("x", data=IMAGES, chunks=True, compression="gzip")
    assert [*layout_versions((tmp_path / "new.h5").read_bytes())] == [
        5 if h5py.version.hdf5_version_tuple >= (2,) else 4
    ]


def test_a_file_of_another_hdf5_is_not_called_damaged(tmp_path):
    path = dasbe.save_dataset(tmp_path / "a.h5", IMAGES, GROUPS)
    content = bytearray(path.read_bytes())
    content[8] = 9  # version of the superblock
    path.write_bytes(content)
    with pytest.raises(dasbe.FileContentError, match="does not know its version: a newer one wrote it"):
        dasbe.load_dataset(path)


def test_photographs_are_turned_upright(tmp_path):
    path, ink = tmp_path / "photo.png", np.zeros((6, 9), np.uint8)
    ink[1:5, 1:3] = 255
    exif = Image.Exif()
    exif[0x112] = 6  # to be turned by 90° clockwise
    Image.fromarray(ink).save(path, exif=exif)
    np.testing.assert_array_equal(dasbe.load_image(path, (9, 6)), np.rot90(ink > 0, -1))
    with pytest.raises(dasbe.InputError, match="is 9×6 pixels, but the network takes 6×9"):
        dasbe.load_image(path, (6, 9))


def test_pictures_of_a_folder_are_sorted_by_the_numbers_in_their_names(tmp_path):
    for place, name in enumerate(("a2", "img1", "img2", "img10", "img10b", "img011")):
        picture = np.zeros((4, 8), np.uint8)
        picture[1, place] = 255
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    images, _ = dasbe.load_dataset(tmp_path)
    assert images[:, 1].argmax(1).tolist() == [0, 1, 2, 3, 4, 5]


def _save_split(path, number):
    dasbe.save_dataset(path, IMAGES, GROUPS, split=f"split{number}")


def test_splits_that_are_saved_at_once_are_all_there(tmp_path):
    processes = [get_context("spawn").Process(target=_save_split, args=(tmp_path / "a.h5", i)) for i in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    with h5py.File(tmp_path / "a.h5") as file:
        assert sorted(file) == ["split0", "split1", "split2"]


def test_a_split_waits_for_another_that_is_being_saved(tmp_path):
    saving = Thread(target=_save_split, args=(tmp_path / "a.h5", 0))
    with one_at_a_time(tmp_path / "a.h5"):
        saving.start()
        saving.join(0.5)
        assert saving.is_alive() and not (tmp_path / "a.h5").exists()
    saving.join()
    assert (tmp_path / "a.h5").exists()
