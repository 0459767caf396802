"""The loop, live in a page: its spikes are those of the definition, and a visitor can do with it what the page says."""

import importlib.util
import json
import re
from pathlib import Path

import browser
import numpy as np
import pytest
from live import REPLAYED, Recorded, bits_of, data_of, dequantised, in_node, node
from torch import nn

import dasbe
from dasbe import definition
from dasbe.binding import live_page
from dasbe.datasets import generate
from dasbe.datasets.catalogue import settings_of
from dasbe.experiments.live import write_page

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "docs" / "live.html"
REMAKE = "python -m dasbe.experiments.live --out docs/live.html"
needs_node = pytest.mark.skipif(node() is None, reason="no Node here: the page's code was not run by it")
BIND = "packed(bind(image, networkOf(network), d, r, n, new Replayed(noise)))"
COMPETE = """(() => {
  const run = new CompetingPhases(image, networkOf(network), new Replayed(noise), noise.delay, told);
  while (!run.labels) run.step();
  return [...run.labels];
})()"""


def scene_of(name, number=0):
    """Image and groups of a dataset, drawn as it is."""
    _, arrays = next(generate(name, {"multi": number + 1, "test": 1, "single": 1}))
    return arrays["default"][number], arrays["groups"][number]


def bound(network, image, delay, refractory, cycles):
    """Spikes (n, d, P) of the definition, and what the page's code needs to make the same."""
    noise = Recorded(image, delay, seed=3)
    spikes, _, _ = definition.bind(image, network, delay, refractory, cycles, noise)
    values = {"image": image.flatten().tolist(), "network": data_of(network), "d": delay, "r": refractory}
    return spikes.numpy(), values | {"n": cycles, "noise": noise.for_page()}


@pytest.fixture(scope="module", params=("shapes", "corners", "bars"))
def of_dataset(request):
    """Spikes of 30 cycles on an image of a dataset, and what the page's code needs to make the same."""
    settings = settings_of(request.param)
    network = dequantised(dasbe.load_network(request.param))
    return bound(network, scene_of(request.param)[0], settings.delay, settings.refractory, 30)


@needs_node
class TestLoop:
    def test_spikes_are_those_of_the_definition(self, of_dataset):
        spikes, values = of_dataset
        np.testing.assert_array_equal(bits_of(in_node(BIND, **values), *spikes.shape), spikes)
        assert spikes[-1].any()

    @pytest.mark.parametrize("options", ({"spiking": True}, {"hidden": (30, 20)}, {"hidden": ()}))
    def test_so_are_those_of_other_networks(self, random_network, shapes, options):
        network = dequantised(random_network(**options))
        spikes, values = bound(network, shapes[0][0], 9, 2, 8)
        assert spikes.any((1, 2)).all()
        np.testing.assert_array_equal(bits_of(in_node(BIND, **values), *spikes.shape), spikes)

    @pytest.mark.parametrize("told", (3, 0))
    @pytest.mark.parametrize("spiking", (False, True))
    def test_phases_are_those_of_the_definition(self, told, spiking, random_network):
        image, groups = scene_of("shapes", 1)
        network = dequantised(random_network(spiking=True) if spiking else dasbe.load_network("shapes"))
        noise, settings = Recorded(image, 6, seed=4, normalise=False), {"cycles": 9, "cycles_after_pruning": 4}
        labels = definition.competing_phases(image, network, noise, 6, n_objects=told or None, **settings)
        values = {"image": image.flatten().tolist(), "network": data_of(network), "noise": noise.for_page()}
        options = {"nObjects": told, "cycles": 9, "cyclesAfterPruning": 4}
        found = np.reshape(in_node(COMPETE, **values, told=options), image.shape)
        np.testing.assert_array_equal(found, labels)
        assert labels.max() == (told or labels.max()) and (spiking or dasbe.ami(groups[None], labels[None])[0] > 0.5)

    def test_the_readout_and_its_score(self, shapes):
        """Groups of a run that has bound are the objects, and AMI is that of :func:`dasbe.ami`."""
        groups = shapes[1][0].flatten()
        ink = np.flatnonzero(groups)
        phase = np.random.default_rng(0).permutation(9)[groups[ink]]
        times = [[int(start) + 9 * k for k in range(5)] for start in phase]
        found = in_node("[...group(times, 45, 784 - times.length, 4, uniformOf(1))]", times=times)
        assert found == [sorted({*groups[ink]}, key=[*groups[ink]].index).index(k) + 1 for k in groups[ink]]
        rng = np.random.default_rng(1)
        for truth, other in ((groups[ink], rng.integers(0, 4, len(ink))), (groups[ink], np.roll(groups[ink], 9))):
            expected = dasbe.ami(truth[None, None], other[None, None])[0]
            assert in_node("ami(a, b)", a=truth.tolist(), b=other.tolist()) == pytest.approx(expected, abs=1e-9)

    def test_what_it_is_taught_it_restores(self):
        """A network for 9×9 pixels that has seen an L and a bar, one at a time and in part, knows both."""
        code = """(() => {
          const bar = { height: 1, width: 5, pixels: [0, 1, 2, 3, 4] };
          const objects = [{ height: 4, width: 3, pixels: [0, 3, 6, 9, 10, 11] }, bar];
          const training = new Training(objects, 9, 9, 1, { nLatent: 32, nBatches: 800 });
          while (training.done < training.nBatches) training.batch();
          const network = new Network(training.layers());
          return [[20, 29, 38, 47, 48, 49], [56, 57, 58, 59, 60]].map((pixels) => {
            const a = new Uint8Array(81);
            for (const p of pixels) a[p] = p === pixels[2] ? 0 : 1;
            const y = network.decode(network.encode(a));
            return [y[pixels[2]], Math.max(...y.filter((_, p) => !pixels.includes(p)))];
          });
        })()"""
        for missing, elsewhere in in_node(code):
            assert missing > 0.5 > elsewhere


class TestFile:
    def test_the_page_in_the_documentation_is_that_of_the_command(self, tmp_path):
        write_page(network="shapes", out=tmp_path / "live.html")
        made = (tmp_path / "live.html").read_bytes()
        assert made == SHIPPED.read_bytes(), f"docs/live.html is not what is made now; make it again with: {REMAKE}"
        assert len(made) <= 1_000_000

    def test_it_loads_nothing_and_allows_no_script_but_its_own(self):
        text = SHIPPED.read_text("utf-8")
        assert not re.search(r"https?:|\bsrc=|@import|\burl\(|fetch\(|import\(|innerHTML|eval\(", text)
        (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy and policy.count("'sha256-") == 3
        for file in (live_page.TEMPLATE, live_page.LOOP, live_page.COLOURS):
            folder = Path(importlib.util.find_spec("dasbe").submodule_search_locations[0])
            assert f'"{file.relative_to(folder).as_posix()}"' in (folder.parent / "pyproject.toml").read_text("utf-8")

    def test_it_names_the_system_and_the_paper(self):
        header = " ".join(live_page.TEMPLATE.read_text("utf-8").split("<header>")[1].split("</header>")[0].split())
        assert "<h1>DASBE" in header and "NeurIPS 2022, arXiv 2211.06027) binds by spike timing" in header

    def test_no_name_ends_the_element_that_it_is_in(self, random_network):
        name = "</script><b>"
        page = live_page.live_page_of(
            random_network(), (28, 28), delay=9, refractory=2, stamps={name: np.ones((2, 2))}, name=name
        )
        assert name not in page and "\\u003c/script>" in page

    def test_networks_that_the_page_cannot_have(self, random_network, shapes):
        timing = {"delay": 9, "refractory": 2}
        linear, sigmoid = nn.Linear(784, 784), nn.Sigmoid()
        for wrong, network in {
            "no encoder": linear,
            "the layer Conv": dasbe.as_network(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), linear, logits=True),
            "the layer BatchNorm": dasbe.as_network(nn.Sequential(linear, nn.BatchNorm1d(784)), linear, logits=True),
            "end in a Sigmoid": dasbe.as_network(linear, linear),
            "layers 784–784–784": dasbe.as_network(nn.Linear(784, 784), nn.Sequential(nn.Linear(784, 784), sigmoid)),
            "recurrent": random_network(recurrent=True),
        }.items():
            shape = (28, 29) if "784–784" in wrong else (28, 28)
            with pytest.raises(dasbe.InputError, match=wrong):
                live_page.live_page_of(network, shape, **timing)
        for wrong, options in {
            "delay is 97": {"delay": 97},
            "refractory is 41": {"refractory": 41},
            "must have ink and fit on 28×28": {"stamps": {"long": np.ones((1, 29))}},
            "surprise 'circle' is unknown": {"stamps": {"bar": np.ones((1, 9))}, "surprise": [["circle"]]},
        }.items():
            with pytest.raises(dasbe.InputError, match=wrong):
                live_page.live_page_of(random_network(), (28, 28), **timing | options)

    def test_of_a_run_the_objects_are_stamps(self, shapes, random_network, tmp_path):
        images, groups = shapes[0][:1], shapes[1][:1]
        network = random_network()
        run = dasbe.bind(images, network, delay=9, refractory=2, cycles=3)
        run.to_html(tmp_path / "live.html", groups=groups, live=True, network=network)
        data = browser.data_of(tmp_path / "live.html")
        shown = np.array([[mark == "#" for mark in row] for row in data["scene"]])
        for number, y, x in data["objects"]:
            stamp = np.array([[mark == "#" for mark in row] for row in data["stamps"][number]["rows"]])
            assert not shown[y : y + len(stamp), x : x + stamp.shape[1]][stamp].any()
            shown[y : y + len(stamp), x : x + stamp.shape[1]] |= stamp
        np.testing.assert_array_equal(shown, images[0] > 0)
        assert (data["delay"], data["refractory"], len(data["stamps"])) == (9, 2, groups.max())
        for wrong in ({"live": True}, {"network": network}, {"live": True, "network": random_network(hidden=())}):
            with pytest.raises(dasbe.InputError, match="network"):
                run.to_html(tmp_path / "other.html", **wrong)

    def test_of_objects_of_ones_own(self, tmp_path, single_shapes, random_network):
        dasbe.ann.weights.save_network(tmp_path / "net.pt", random_network())
        np.savez(tmp_path / "own.npz", images=single_shapes[:50])
        write_page(network=str(tmp_path / "net.pt"), data=str(tmp_path / "own.npz"), out=tmp_path / "own.html")
        data = browser.data_of(tmp_path / "own.html")
        assert (data["delay"], data["refractory"], len(data["stamps"])) == (32, 9, 3)


HOSTILE = (
    "#mode=evil&d=9999&r=-1&u=NaN&b=1e9&speed=javascript:alert(1)&colour=<b>&seed=0x10&k=0&off=__proto__.constructor",
    "#o=0.0.0_" + "1.1.1_" * 900,
    "#o=99.0.0_0.999.999&more=" + "A" * 131 + "&less=" + "_" * 131,
    "#o=%3Cimg%20src=x%20onerror=alert(1)%3E&off=%3Cscript%3E",
    "#" + "x=1&" * 3000,
    "#d=%E0%A4%A",
    "#d=10&d=11&r=3.5&more=AAAA",
)


@pytest.mark.skipif(browser.find() is None, reason="no Chromium here: the page was not tried in a browser")
class TestBrowser:
    AMI = "$('ami').textContent"

    def test_spikes_are_those_of_the_definition(self, of_dataset, tmp_path, random_network):
        """In the page itself, whichever network it has of its own."""
        spikes, values = of_dataset
        page = live_page.live_page_of(random_network(), (28, 28), delay=9, refractory=2)
        (tmp_path / "live.html").write_text(page, "utf-8")
        constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in values.items())
        with browser.Page(calm=True) as shown:
            shown.open(tmp_path / "live.html")
            found = shown.value(f"(() => {{ {REPLAYED}{constants} return {BIND}; }})()")
            assert shown.complaints == []
        np.testing.assert_array_equal(bits_of(found, *spikes.shape), spikes)

    def test_it_opens_on_a_result_and_its_number(self):
        with browser.Page(calm=True) as shown:
            shown.open(SHIPPED)
            assert shown.value("[run.cycle, settings.colour, playing]") == [12, "group", False]
            assert shown.value(self.AMI) == "100 %" and "AMI 100 %" in shown.value("$('said').textContent")
            of_object = "objects.map((_, k) => css(pixelColour(truth.indexOf(k + 1))))"
            of_group = "objects.map((_, k) => css(mixed([13, 13, 16], ofGroup(k + 1), 1)))"
            assert shown.value(f"settings.speed = 'c2', playing = true, {of_object}") == shown.value(of_group)
            shown.value("playing = false, $('again').click()")
            assert shown.value("run.cycle") == 0 and shown.value(self.AMI) == "–" and shown.complaints == []

    @pytest.mark.parametrize("width", (1100, 1280, 1800))
    def test_no_column_is_empty(self, width):
        """What is on the right ends where what is on the left ends, and the raster goes below both, or beside."""
        ends = "['stage', 'panel', 'time'].map((id) => Math.round($(id).getBoundingClientRect().bottom))"
        with browser.Page(width, 900, calm=True) as shown:
            shown.open(SHIPPED)
            seen = set()
            for clicked in ("#tab-draw", "#tab-apart", "#tab-teach", "[value=phases]", "#tab-apart", "#begin-tour"):
                shown.click(clicked)
                shown.value("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
                (stage, panel, raster), tall = shown.value(ends), shown.value("!!document.querySelector('main.tall')")
                seen.add(tall)
                assert panel == (raster if tall else stage), clicked
                used = "$('panel').offsetHeight - $($('tour').hidden ? 'tabs' : 'tour').offsetHeight"
                assert shown.value(used) < 150, clicked  # the rest is of the curve of AMI
                wide = "$('time').offsetWidth / document.querySelector('main').offsetWidth"
                assert tall == (shown.value(wide) < 0.99)
            assert True in seen or width > 1280  # where the longest panel is no longer than the stage
            assert shown.complaints == []

    def test_a_visitor_does_what_the_page_says(self):
        with browser.Page() as shown:
            shown.open(SHIPPED)
            shown.wait_for("run.cycle >= 2")
            shown.press(" ")
            assert not shown.value("playing")
            shown.value("runCycles(15)")
            assert shown.value(self.AMI) == "100 %"
            here = shown.value("counter")
            shown.click("#step")
            shown.press(".")
            assert shown.value("counter") == here + 2

            shown.click(".stamp")
            assert shown.value("objects.length") == 4
            shown.value("$('scene').focus()")
            before = shown.value("objects[chosen].y")
            shown.press("ArrowDown" if before < 10 else "ArrowUp")
            assert abs(shown.value("objects[chosen].y") - before) == 1
            shown.press("Delete")
            assert shown.value("objects.length") == 3

            ink = shown.value("run.ink.length")
            shown.click("[data-tool=brush]")
            shown.click("#scene", 0.02, 0.98)
            assert shown.value("run.ink.length") == ink + 1
            shown.click("[data-tool=erase]")
            shown.click("#scene", 0.02, 0.98)
            assert shown.value("run.ink.length") == ink

            shown.click("#tab-apart")
            shown.click("#on-feedback")
            shown.value("runCycles(12)")
            assert int(shown.value(self.AMI).split()[0]) < 40
            shown.click("#on-feedback")
            shown.click("#trap")
            assert shown.value("[settings.d, $('d-note').className]") == [30, "note trapped"]
            shown.click("#restore")
            assert shown.value("settings.d") == 32

            shown.click("[value=phases]")
            shown.value("runCycles(200)")
            assert shown.value("run.phases.length") == 3 and "Settled" in shown.value("$('said').textContent")
            assert shown.value("document.querySelectorAll('.phase.silent').length") == 3
            shown.click("#begin-tour")
            for station in range(5):
                assert shown.value("station") == station and shown.value("$('tour-text').textContent.length") > 100
                shown.click("#tour-on")
            assert shown.value("station") == -1 and shown.complaints == []

    def test_it_learns_what_a_visitor_draws(self):
        with browser.Page() as shown:
            shown.open(SHIPPED)
            shown.value("Object.assign(LESSON, { nBatches: 60, nLatent: 16 })")
            shown.click("#tab-teach")
            shown.click("#learn")
            assert shown.value("$('said').textContent") == "Draw an object first."
            shown.click("#pads canvas", 0.5, 0.5)
            assert shown.value("pads[0].ink[40]") == 1
            shown.click("#examples")
            shown.click("#learn")
            shown.wait_for("world.taught")
            assert shown.value("[world.width, objects.length, run.x.length]") == [20, 3, 400]
            shown.click("#forget")
            assert shown.value("[world.width, run.x.length]") == [28, 784] and shown.complaints == []

    def test_the_state_is_in_the_address(self):
        state = (
            "#mode=dasbe&d=40&r=7&u=0.9&b=0.25&seed=12&speed=6&colour=group&off=network.noise&o=0.1.2_2.10.11&safe=1"
        )
        with browser.Page(calm=True) as shown:
            shown.open(SHIPPED, state)
            shown.value("remember()")
            shown.wait_for("location.hash.length > 20")
            kept = shown.value("location.hash")
            found = "(({ d, r, u, b, seed, off, safe }) => [d, r, u, b, seed, [...off], objects, safe])(settings)"
            objects = [{"stamp": 0, "y": 1, "x": 2}, {"stamp": 2, "y": 10, "x": 11}]
            expected = [40, 7, 0.9, 0.25, 12, ["network", "noise"], objects, True]
            assert shown.value(found) == expected
            shown.open(SHIPPED, kept)
            assert shown.value(found) == expected and shown.complaints == []

    def test_a_strangers_address_does_nothing(self):
        usual = (
            "[settings.mode, settings.r, settings.u, settings.b, settings.speed, settings.colour, settings.off.size]"
        )
        with browser.Page(calm=True) as shown:
            shown.open(SHIPPED)
            expected = shown.value(usual)
            for state in HOSTILE:
                shown.open(SHIPPED, state)
                shown.value("runCycles(1)")
                assert shown.value(usual) == expected, state
                d = shown.value("settings.d")
                assert 4 <= d <= 96 and shown.value(
                    "objects.length <= 24 && objects.every((o) => world.stamps[o.stamp])"
                )
                shown.value(f"location.hash = {json.dumps(state)}")
                shown.value("new Promise(requestAnimationFrame)")
                assert shown.value("document.querySelectorAll('img, b, iframe').length") == 0
            assert shown.complaints == []

    @pytest.mark.parametrize("width", (360, 820, 1280, 2500))
    def test_it_fits_every_screen(self, width):
        with browser.Page(width, 800, dark=width == 820, calm=True) as shown:
            shown.open(SHIPPED)
            for tab in ("draw", "apart", "teach"):
                shown.click(f"#tab-{tab}")
                assert shown.value("document.documentElement.scrollWidth") <= width
            small = (
                "[...document.querySelectorAll('button')].filter((b) => b.offsetHeight && b.offsetHeight < 44).length"
            )
            assert (
                shown.value(small) == 0 and shown.value("document.querySelectorAll('[style*=expression]').length") == 0
            )
            assert not shown.value("playing") and shown.complaints == []

    def test_nothing_flashes_more_than_three_times_a_second(self):
        with browser.Page() as shown:
            shown.open(SHIPPED)
            for speed, steps in (("6", 6), ("24", 24), ("c1", 32), ("c2", 64), ("c8", 256), ("max", 1e9)):
                shown.value(f"settings.speed = '{speed}'")
                assert shown.value("showsSpikes()") == (steps / 10 <= 3), speed
            assert shown.value("1000 / STEADY_MS") <= 3 and shown.complaints == []
