"""Images of a user's own: what is read is what the file shows, and anything doubtful is refused in one line."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

import dasbe
from dasbe.images import FORMATS

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
    if "large" in reason or "pixels" in reason:
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
    monkeypatch.setattr("dasbe.paths.open", not_permitted, raising=False)
    with pytest.raises(dasbe.InputError, match="mine.png may not be read by this user") as caught:
        dasbe.load_image(tmp_path / "mine.png", INK.shape)
    assert not isinstance(caught.value, dasbe.FileContentError)
