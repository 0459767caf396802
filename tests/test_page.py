"""A run as a web page: what is in the file, and that a browser plays it."""

import base64
import importlib.util
import json
import re
import subprocess
import zlib
from pathlib import Path

import browser
import live
import numpy as np
import pytest
from browser import data_of

import dasbe
from dasbe.binding import page

TIMING = {"delay": 7, "refractory": 2, "cycles": 5, "seed": 3}
EVERYTHING = ("spikes", "feedback")


def bits_of(text, *shape):
    packed = np.frombuffer(base64.b64decode(text), np.uint8)
    assert len(packed) == -(-np.prod(shape) // 8)
    return np.unpackbits(packed, count=int(np.prod(shape))).reshape(shape)


def feedback_of(data):
    """(cycles, d, H, W) uint8."""
    cycles = [zlib.decompress(base64.b64decode(text)) for text in data["feedback"]]
    shape = (len(cycles), data["delay"], data["height"], data["width"])
    return np.frombuffer(b"".join(cycles), np.uint8).reshape(shape)


@pytest.fixture
def written(tmp_path):
    """`written(run, image, …)`: the data in the page of an image."""

    def write(run, *image, **options):
        run.to_html(tmp_path / "run.html", *image, **options)
        return data_of(tmp_path / "run.html")

    return write


@pytest.fixture(scope="module")
def run(shapes):
    images = np.concatenate([shapes[0][:2], np.zeros_like(shapes[0][:1])])
    return dasbe.bind(images, lambda x: 0.2 * x, **TIMING)


@pytest.mark.quick
class TestFile:
    @pytest.mark.parametrize("image", (0, 1, 2))  # the last has no ink
    def test_the_spikes_of_the_page_are_those_of_the_run(self, run, written, image):
        data = written(run, image)
        spikes = np.zeros((28 * 28, 35), bool)
        spikes[data["pixels"]] = bits_of(data["spikes"], len(data["pixels"]), 35)
        np.testing.assert_array_equal(spikes.T.reshape(5, 7, 28, 28), run.spikes[image])
        np.testing.assert_array_equal(bits_of(data["frames"], 28, 28), run.images[image])
        assert (data["image"], data["refractory"], data["labels"], data["feedback"]) == (image, "2", None, [])
        assert data["made"] == run.made

    def test_labels_are_those_of_the_pixels_with_ink_numbered_as_the_objects(self, run, written, shapes):
        groups = shapes[1][:3]
        labels = np.where(groups > 0, groups % 3 + 1, 0)  # the same objects with other numbers
        ink = run.images[1] > 0
        assert written(run, 1, labels=labels)["labels"] == labels[1][ink].tolist()
        data = written(run, 1, labels=labels, groups=groups)
        assert data["labels"] == data["groups"] == groups[1][ink].tolist() != labels[1][ink].tolist()

    def test_feedback_is_that_of_the_run_in_256_levels(self, shapes, random_network, written):
        run = dasbe.bind(shapes[0][:2], random_network(), record=EVERYTHING, **TIMING)
        feedback = feedback_of(written(run, 1))
        assert feedback.shape == run.feedback[1].shape and feedback.any()
        np.testing.assert_allclose(feedback / 255, run.feedback[1], atol=0.501 / 255)

    def test_of_much_feedback_the_last_cycles_are_kept(self, shapes, random_network, written, monkeypatch):
        run = dasbe.bind(shapes[0][:1], random_network(), record=EVERYTHING, **TIMING)
        sizes = [len(base64.b64decode(text)) for text in written(run)["feedback"]]
        for room, kept in ((sum(sizes), 5), (sum(sizes) - 1, 4), (sum(sizes[-2:]), 2), (1, 1)):
            monkeypatch.setattr(page, "FEEDBACK_BYTES", room)
            feedback = feedback_of(written(run))
            assert len(feedback) == kept
            np.testing.assert_allclose(feedback / 255, run.feedback[0, -kept:], atol=0.501 / 255)

    def test_of_a_film_the_frames_of_the_recorded_cycles_are_shown(self, shapes, written):
        films = np.stack([np.roll(shapes[0][:2], shift, axis=2) for shift in range(5)], axis=1)
        data = written(dasbe.bind(films, lambda x: 0.2 * x, **TIMING, last=3), 1)
        assert (data["n_frames"], data["cycles"], data["recorded_cycles"]) == (3, 5, 3)
        np.testing.assert_array_equal(bits_of(data["frames"], 3, 28, 28), films[1, 2:])
        assert data["pixels"] == np.flatnonzero(films[1].any(0)).tolist()

    def test_the_result_has_its_number(self, run, written, shapes):
        groups = shapes[1][:3]
        labels = np.where(groups > 0, np.minimum(groups, 2), 0)  # two of the objects as one group
        score = dasbe.ami(groups[1:2], labels[1:2])[0]
        assert 0.3 < score < 0.9 and written(run, 1, labels=labels, groups=groups)["ami"] == pytest.approx(score)
        assert written(run, 1, labels=labels)["ami"] is written(run, 1)["ami"] is None

    @pytest.mark.skipif(live.node() is None, reason="no Node here")
    def test_it_plays_from_where_firing_comes_into_step(self):
        """Cycles of 5 steps; in the first four, 20 pixels fire in any step, and then all in one."""
        text = page.TEMPLATE.read_text("utf-8")
        (begin,) = re.findall(r"^function beginning\(\) {\n.*?^}$", text, re.MULTILINE | re.DOTALL)
        assert "now = beginning()" in text
        spikes = np.zeros((20, 8, 5), int)
        spikes[np.arange(20)[:, None], np.arange(4), np.arange(20)[:, None] % 5] = 1
        spikes[:, 4:, 2] = 1

        def first(spikes):
            constants = {"nCycles": 8, "delay": 5, "nSteps": 40, "nPixels": 20, "spikes": spikes.ravel().tolist()}
            source = "".join(f"const {name} = {json.dumps(value)};" for name, value in constants.items())
            source += f"const cycleOf = (t) => Math.floor(t / delay);{begin}console.log(beginning())"
            return int(subprocess.run([live.node(), "-"], input=source, capture_output=True, text=True).stdout)

        assert first(spikes) == 3 * 5 and first(spikes[:, ::-1]) == first(0 * spikes) == 0

    def test_it_names_the_system_and_the_paper(self):
        text = page.TEMPLATE.read_text("utf-8")
        assert "DASBE binds by spike timing" in text and "arXiv\n    2211.06027" in text

    def test_no_text_of_the_run_ends_the_element_that_it_is_in(self, run, written):
        command = run.made["command"]
        try:
            run.made["command"] = "--out '</script><b>'"
            assert written(run)["made"]["command"] == "--out '</script><b>'"
        finally:
            run.made["command"] = command

    def test_the_page_names_nothing_that_is_elsewhere(self):
        text = page.TEMPLATE.read_text("utf-8")
        assert not re.search(r"https?:|\bsrc=|@import|\burl\(|fetch\(|import\(", text)
        assert "default-src 'none'" in text and text.count(page.PLACE) == 1

    def test_the_page_is_part_of_the_package(self):
        folder = importlib.util.find_spec("dasbe").submodule_search_locations[0]
        place = page.TEMPLATE.resolve().relative_to(Path(folder).resolve())
        configuration = (Path(folder).parent / "pyproject.toml").read_text("utf-8")
        assert f'"{place.as_posix()}"' in configuration


@pytest.fixture(scope="module")
def pages(tmp_path_factory, shapes):
    """Pages of a run: with everything, and with spikes alone."""
    folder = tmp_path_factory.mktemp("pages")
    images, groups = shapes[0][:1], shapes[1][:1]
    labels = np.where(groups > 0, groups, 0)
    run = dasbe.bind(images, lambda x: 0.2 * x, **TIMING, record=EVERYTHING)
    run.to_html(folder / "all.html", labels=labels, groups=groups)
    dasbe.bind(images, lambda x: 0.2 * x, **TIMING).to_html(folder / "plain.html")
    return folder, run, groups


@pytest.mark.skipif(browser.find() is None, reason="no Chromium here: the page was not tried in a browser")
class TestBrowser:
    WHERE = "document.querySelector('#where').textContent"
    SAID = "document.querySelector('#said').textContent"
    NAME = "document.querySelector('#chosen-name').textContent"

    def test_it_opens_on_the_result(self, pages):
        with browser.Page() as shown:
            shown.open(pages[0] / "all.html")
            assert shown.value("now === nSteps - 1 && !playing && colouring === 'labels'")
            assert "AMI 100.0 %" in shown.value("document.querySelector('#summary').textContent")
            shown.open(pages[0] / "plain.html")
            assert shown.value("now === nSteps - 1 && colouring === 'phase'") and shown.complaints == []

    def test_it_plays_scrubs_and_shows_a_pixel(self, pages):
        folder, run, groups = pages
        with browser.Page() as shown:
            shown.open(folder / "all.html", "#step=0")
            assert shown.value(self.WHERE) == "cycle 0 / 4, step 0 / 6"
            shown.click("#play")
            shown.wait_for("now >= 3")
            shown.press(" ")  # on the button, which is Pause now
            assert not shown.value("playing")
            here = shown.value("now")
            shown.click("#slider", x=0.999)
            assert shown.value(self.WHERE) == "cycle 4 / 4, step 6 / 6" and here < 34
            shown.click("#raster", x=0.5)
            assert 10 < shown.value("now") < 24

            row, column = np.argwhere(groups[0] == 2)[0]
            shown.click("#dance", x=(column + 0.5) / 28, y=(row + 0.5) / 28)
            assert shown.value(self.NAME) == f"Pixel in row {row}, column {column}, group 2"
            for step in range(35):
                shown.value(f"goTo({step})")
                fires = run.spikes[0].reshape(35, 28, 28)[step, row, column]
                assert fires == ("It fires in this step" in shown.value(self.SAID))
            acting, returned = (run.feedback[0, cycle, 6, row, column] for cycle in (3, 4))
            assert f"Feedback in this step: {acting:.2f}. The network now returns {returned:.2f}" in shown.value(
                self.SAID
            )
            shown.click(".chip[data-group='3']")
            assert shown.value(self.NAME) == f"Group 3, {(groups == 3).sum()} pixels"
            assert shown.complaints == []

    def test_keys(self, pages):
        with browser.Page(calm=True) as shown:
            shown.open(pages[0] / "all.html", "#step=0")
            assert not shown.value("playing")
            for key, step in (
                ("ArrowRight", 1),
                ("Shift+ArrowRight", 8),
                ("PageDown", 15),
                ("ArrowLeft", 14),
                ("PageUp", 7),
                ("End", 34),
                ("Home", 0),
            ):
                shown.press(key)
                assert shown.value("now") == step, key
            shown.press(" ")
            shown.wait_for("playing && now > 0")
            shown.press(" ")
            assert not shown.value("playing")
            here = shown.value("now")
            shown.value("document.querySelector('#dance').focus()")
            shown.press("ArrowDown")
            assert shown.value("chosen.pixel === pixels[0]")
            shown.press("ArrowDown")
            assert shown.value("chosen.pixel === pixels[0] + width") and shown.value("now") == here
            shown.press("Escape")
            assert shown.value("chosen === null") and shown.complaints == []

    def test_colours_of_the_image(self, pages):
        """A pixel that fires has its colour, one that has not fired yet is dim, and one without ink is black."""
        folder, run, groups = pages
        spikes = run.spikes[0].reshape(35, 28, 28)
        with browser.Page(dark=True) as shown:
            shown.open(folder / "all.html", "#step=34&colour=labels")

            def colour(row, column):
                return tuple(
                    shown.value(
                        "((copy, side) => (copy.drawImage($('dance'), 0, 0),"
                        f" [...copy.getImageData({column + 0.5} * side, {row + 0.5} * side, 1, 1).data].slice(0, 3)))"
                        "(new OffscreenCanvas($('dance').width, $('dance').height).getContext('2d'),"
                        " $('dance').width / 28)"
                    )
                )

            for k, expected in ((1, (255, 215, 0)), (2, (65, 105, 225)), (3, (50, 205, 50))):
                step, *place = np.argwhere(spikes & (groups[0] == k))[0]
                shown.value(f"goTo({step})")
                assert colour(*place) == expected
            shown.value("goTo(0)")
            assert colour(*np.argwhere(~spikes[0] & (run.images[0] > 0) & spikes.any(0))[0]) == (58, 58, 58)
            assert colour(*np.argwhere(run.images[0] == 0)[0]) == (13, 13, 16)
            assert shown.complaints == []

    def test_without_feedback_or_labels_on_a_telephone(self, pages):
        with browser.Page(390, 844, calm=True) as shown:
            shown.open(pages[0] / "plain.html", "#step=5")
            assert not shown.value("document.querySelectorAll('.chip').length")
            assert 'record=("spikes", "feedback")' in shown.value("document.body.innerText")
            assert shown.value("document.documentElement.scrollWidth") == 390
            row, column = np.argwhere(pages[1].images[0] == 0)[100]
            shown.click("#dance", x=(column + 0.5) / 28, y=(row + 0.5) / 28)
            assert "No ink: it never fires" in shown.value(self.SAID)
            shown.value("choose({pixel: pixels[0]})")
            assert "Feedback was not recorded; record it with" in shown.value(self.SAID)
            assert shown.complaints == []

    def test_a_page_that_is_not_shown_for_a_while(self, pages):
        with browser.Page() as shown:
            shown.open(pages[0] / "all.html", "#step=3")
            for display, step in (("none", 5), ("block", 6)):
                shown.value(f"document.body.style.display = '{display}'")
                shown.value("new Promise(requestAnimationFrame)")
                shown.value(f"choose({{group: 1}}); setColouring('labels'); goTo({step}); choose(null)")
            assert shown.value("$('raster').width") > 2000 and shown.complaints == []

    def test_what_goes_wrong_is_heard(self, pages, tmp_path):
        text = (pages[0] / "plain.html").read_text("utf-8")
        (tmp_path / "broken.html").write_text(
            text.replace("begin();\n</script>", "begin();\nfetch('http://127.0.0.1:9/');\nnothing();\n</script>")
        )
        with browser.Page() as shown:
            shown.open(tmp_path / "broken.html")
            assert "nothing is not defined" in str(shown.complaints) and "Content Security" in str(shown.complaints)
