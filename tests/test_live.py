"""The loop, live in a page: its spikes are those of the definition, and a visitor can do with it what the page says."""

import numpy as np
import pytest
import torch
from live import REPLAYED, Recorded, bits_of, data_of, dequantised, in_node, node

import dasbe
from dasbe import definition
from dasbe.datasets import generate
from dasbe.datasets.catalogue import settings_of

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


@needs_node
class TestLoop:
    @pytest.mark.parametrize("name", ("shapes", "corners", "bars"))
    def test_spikes_are_those_of_the_definition(self, name):
        image, _ = scene_of(name)
        settings = settings_of(name)
        network = dequantised(dasbe.load_network(name))
        spikes, values = bound(network, image, settings.delay, settings.refractory, 30)
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
