"""Figure 2: one image in detail, and how robust binding is."""

import argparse
from typing import Any

import numpy as np

from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.files import load_network
from dasbe.binding.labels import align
from dasbe.binding.loop import bind
from dasbe.binding.readout import group
from dasbe.datasets import ensure_dataset, load_dataset, settings_of
from dasbe.evaluation.segment import numbers_of_objects
from dasbe.metrics import ami, autocorrelation, cycle_scores, synchrony_matrix
from dasbe.support.published import CYCLES_FIGURES, IMAGES_TABLE, READOUT_CYCLES
from dasbe.support.storage import Arrays

DATASET = "shapes"
N_SEEDS, Q = 5, 1 / 3
SPIKE_LOSSES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
REFRACTORY_SPREADS = (0, 1, 2, 3, 4, 5)  # steps: r of each pixel is drawn from r − spread … r + spread
SHOWN_LOSS, SHOWN_SPREAD = 2, 2  # places in the two tuples, of the conditions whose rasters are drawn


def compute(options: argparse.Namespace) -> Arrays:
    """All arrays of the figure; image and ground truth (H, W), spikes (n, d, H, W), scores (seeds, n)."""
    ensure_dataset(DATASET)
    images, groups = load_dataset(DATASET, "train_multi", options.index, options.index + 1)
    parameters, network = settings_of(DATASET), load_network(DATASET, options.device)
    k = numbers_of_objects(groups) + 1
    loop = {"delay": parameters.delay, "cycles": CYCLES_FIGURES, "indices": [options.index], "device": options.device}
    arrays = {"image": images[0], "groups": groups[0], "refractory": np.array(parameters.refractory)}
    n_seeds = 2 if options.quick else N_SEEDS
    scores: dict[str, list[np.ndarray]] = {"synchrony": [], "rate": [], "clustering": []}
    for number in range(n_seeds):
        seed = options.seed * (number + 1)
        spikes = bind(images, network, refractory=parameters.refractory, seed=seed, **loop).spikes
        for name, values in cycle_scores(spikes[0], groups[0], q=Q, seed=seed).items():
            scores[name].append(values)
        if number == 0:
            labels = group(spikes, k, seed=seed)
            arrays |= {"spikes": spikes[0], "labels": align(labels[0], groups[0]), "ami": ami(groups, labels)}
    arrays |= {name: np.array(values) for name, values in scores.items()}
    arrays["synchrony_matrix"] = synchrony_matrix(arrays["spikes"], groups[0]).astype(np.float32)
    arrays["autocorrelation"] = autocorrelation(arrays["spikes"][-READOUT_CYCLES:], groups[0])
    return arrays | _robustness(options, network, images, groups)


def _robustness(options: argparse.Namespace, network: Autoencoder, image: np.ndarray, truth: np.ndarray) -> Arrays:
    """AMI and final synchrony score (strengths, images) under both perturbations, and the spikes of this `image`."""
    n_images = 10 if options.quick else 100
    parameters = settings_of(DATASET)
    first = IMAGES_TABLE + 1000  # images that neither Table 1 nor the choice of the networks has used
    images, groups = load_dataset(DATASET, "train_multi", first, first + n_images)
    images, groups = np.concatenate([image, images]), np.concatenate([truth, groups])
    rng = np.random.default_rng([options.seed, 2])
    conditions: list[tuple[str, dict[str, Any]]] = [
        ("loss", {"refractory": parameters.refractory, "spike_loss": loss}) for loss in SPIKE_LOSSES
    ]
    for spread in REFRACTORY_SPREADS:
        refractory = parameters.refractory + rng.integers(-spread, spread + 1, images.shape)
        conditions.append(("spread", {"refractory": refractory}))
    arrays: dict[str, list] = {
        f"{name}_{kind}": [] for name in ("loss", "spread") for kind in ("ami", "synchrony", "spikes")
    }
    loop: dict[str, Any] = {
        "delay": parameters.delay,
        "cycles": CYCLES_FIGURES,
        "seed": options.seed,
        "indices": [options.index, *range(first, first + n_images)],
        "device": options.device,
    }
    for name, condition in conditions:
        spikes = bind(images, network, last=READOUT_CYCLES, **loop, **condition).spikes
        labels = group(spikes, numbers_of_objects(groups) + 1, seed=options.seed)
        final = [cycle_scores(s[-1:], g, q=Q)["synchrony"][0] for s, g in zip(spikes[1:], groups[1:])]
        arrays[f"{name}_ami"].append(ami(groups[1:], labels[1:]))
        arrays[f"{name}_synchrony"].append(final)
        arrays[f"{name}_spikes"].append(spikes[0])
    result = {key: np.array(values) for key, values in arrays.items()}
    result["loss_spikes"] = result["loss_spikes"][SHOWN_LOSS]
    result["spread_spikes"] = result["spread_spikes"][SHOWN_SPREAD]
    return result | {
        "losses": np.array(SPIKE_LOSSES),
        "spreads": np.array(REFRACTORY_SPREADS),
        "shown": np.array([SPIKE_LOSSES[SHOWN_LOSS], REFRACTORY_SPREADS[SHOWN_SPREAD]]),
    }
