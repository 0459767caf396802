"""Figure 4: high-level neurons for shape and for position."""

import argparse

import numpy as np
import torch

from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.files import load_network
from dasbe.binding.labels import align
from dasbe.binding.loop import bind
from dasbe.binding.readout import group
from dasbe.datasets import ensure_dataset, load_dataset, settings_of
from dasbe.datasets.templates import SHAPES
from dasbe.evaluation.segment import numbers_of_objects, range_scores, system_settings
from dasbe.metrics import ami
from dasbe.support.errors import InputError
from dasbe.support.published import CYCLES_FIGURES
from dasbe.support.storage import Arrays
from dasbe.systems import system_of

DATASET, NETWORK = "shapes", "hierarchical"
SELECTIVITY = 0.5  # least index of a neuron that counts as selective
LEAST_FIRING = 0.1  # spikes a step, of a neuron that counts at all
PRESENTATIONS = 20  # noisy presentations of each single object
SCORED = {False: (6000, 6200), True: (6000, 6020)}  # images of train_multi that the network is scored on; with --quick


def compute(options: argparse.Namespace) -> Arrays:
    """All arrays of the figure; maps of mean firing are (objects or shapes, latent)."""
    network = load_network(NETWORK, options.device)
    for name in (DATASET, "shapes_with_pos"):
        ensure_dataset(name)
    images, groups = load_dataset(DATASET, "train_multi", options.index, options.index + 1)
    shapes, centres = objects_of(groups[0], images[0])
    generator = torch.Generator(options.device).manual_seed(options.seed)
    by_shape, by_position = _mean_firing(network, centres, generator, 500 if options.quick else 4000)

    parameters = settings_of(DATASET)
    seed_and_device = {"seed": options.seed, "device": options.device}
    run = bind(
        images,
        network,
        delay=parameters.delay,
        refractory=parameters.refractory,
        cycles=CYCLES_FIGURES,
        record=("spikes", "latents"),
        indices=[options.index],
        **seed_and_device,
    )
    labels = group(run.spikes, numbers_of_objects(groups) + 1, seed=options.seed)
    clusters = group(run.latents[:, :, :, None] > 0, numbers_of_objects(groups) + 1, seed=options.seed)[
        0, 0
    ]  # (latent,)
    decoded = decode(network, np.stack([clusters == k for k in range(1, clusters.max() + 1)]))
    last_cycle = run.spikes[0, -1]
    peaks = np.array([last_cycle[:, groups[0] == k + 1].sum(1).argmax() for k in range(len(shapes))])
    selective = selective_neurons(by_shape, by_position, shapes)
    settings = system_settings(system_of("dasbe"), DATASET, cycles=CYCLES_FIGURES)
    return {
        "image": images[0],
        "groups": groups[0],
        "labels": align(labels[0], groups[0]),
        "ami": ami(groups, labels),
        "spikes": run.spikes[0],
        "latents": run.latents[0] > 0,
        "shapes": shapes,
        "centres": centres,
        "by_shape": by_shape,
        "by_position": by_position.mean(1),
        "clusters": clusters,
        "decoded": decoded,
        "peaks": peaks,
        "feedback": decode(network, run.latents[0, -1, peaks]),
        **selective,
        **_similarity(network, generator),
        "held_out_ami": range_scores(
            "dasbe", network, DATASET, "train_multi", *SCORED[options.quick], settings=settings, **seed_and_device
        ),
    }


def objects_of(groups: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of the three shapes each object is, (objects,), and its centre (y, x) in pixels, (objects, 2).

    The placement that covers all pixels of the object's label and, besides, nothing but
    ink; of several, the one that covers least of the other objects.
    """
    shapes, centres = [], []
    for k in range(1, groups.max() + 1):
        fits = []
        for shape, template in enumerate(SHAPES):
            height, width = template.shape
            for y in range(groups.shape[0] - height + 1):
                for x in range(groups.shape[1] - width + 1):
                    window = np.s_[y : y + height, x : x + width]
                    own = (groups[window] == k) & (template > 0)
                    if own.sum() == (groups == k).sum() and image[window][template > 0].all():
                        others = ((groups[window] != k) & (groups[window] > 0) & (template > 0)).sum()
                        fits.append((others, shape, y + (height - 1) / 2, x + (width - 1) / 2))
        if not fits:
            raise InputError(f"object {k} of this image is hidden too far to tell its shape; choose another --index")
        _, shape, y, x = min(fits)
        shapes.append(shape)
        centres.append((y, x))
    return np.array(shapes), np.array(centres)


@torch.inference_mode()
def firing(network: Autoencoder, images: np.ndarray, generator: torch.Generator) -> np.ndarray:
    """Mean latent firing (images, latent) over `PRESENTATIONS` of each image: spikes a step, no refractoriness."""
    x = torch.from_numpy(images.reshape(len(images), -1)).to(next(network.parameters()))
    return sum(network(x, generator)[1] for _ in range(PRESENTATIONS)).cpu().numpy() / PRESENTATIONS


def _mean_firing(
    network: Autoencoder, centres: np.ndarray, generator: torch.Generator, n_images: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean firing for each shape anywhere, (3, latent), and at each centre for each shape, (objects, 3, latent)."""
    by_shape, by_position = [], np.zeros((len(centres), len(SHAPES), network.architecture.latent))
    for shape, template in enumerate(SHAPES):
        images, _ = load_dataset("shapes_with_pos", f"train_single_{shape}")
        corner = np.array([[np.flatnonzero(image.any(axis))[0] for axis in (1, 0)] for image in images[:n_images]])
        by_shape.append(firing(network, images[:n_images:4], generator).mean(0))
        middle = corner + (np.array(template.shape) - 1) / 2
        for k, centre in enumerate(centres):
            near = np.abs(middle - centre).max(1) <= 1
            if near.any():
                by_position[k, shape] = firing(network, images[:n_images][near], generator).mean(0)
    return np.array(by_shape), by_position


def selective_neurons(by_shape: np.ndarray, by_position: np.ndarray, shapes: np.ndarray) -> Arrays:
    """Shape neurons and position neurons of each object, (objects, latent) bool each.

    Selectivity index of a neuron that fires f for what is preferred and g at most
    (shapes) or on average (positions) for the rest: (f − g) / (f + g). A shape neuron
    fires for its shape wherever it is, more than for any other shape; a position neuron
    fires for every shape at its place, more than elsewhere.
    """
    shape_neurons, position_neurons = [], []
    everywhere = by_shape.mean(0)
    for k, shape in enumerate(shapes):
        others = np.delete(by_shape, shape, 0).max(0)
        shape_neurons.append(_index(by_shape[shape], others) * (by_shape[shape] > LEAST_FIRING) >= SELECTIVITY)
        here = by_position[k].min(0)
        position_neurons.append(_index(here, everywhere) * (here > LEAST_FIRING) >= SELECTIVITY)
    return {"shape_neurons": np.array(shape_neurons), "position_neurons": np.array(position_neurons)}


def _index(f: np.ndarray, g: np.ndarray) -> np.ndarray:
    return (f - g) / np.maximum(f + g, 1e-9)


@torch.inference_mode()
def decode(network: Autoencoder, latent: np.ndarray) -> np.ndarray:
    """What the decoder makes of latent spikes (M, latent), (M, H, W)."""
    decoded = network.decoder(torch.from_numpy(latent).to(next(network.parameters())))
    return decoded.cpu().numpy().reshape(-1, *network.architecture.image_shape)


def _similarity(network: Autoencoder, generator: torch.Generator, per_shape: int = 100) -> Arrays:
    """Mean cosine of the mean latent firing of two images of the same shape, and of different shapes."""
    parts = [load_dataset(DATASET, f"train_single_{k}", 0, per_shape)[0] for k in range(len(SHAPES))]
    codes = firing(network, np.concatenate(parts), generator)
    codes /= np.linalg.norm(codes, axis=1, keepdims=True).clip(1e-9)
    cosines = codes @ codes.T
    kind = np.repeat(np.arange(len(SHAPES)), per_shape)
    same = np.equal.outer(kind, kind)
    pairs = same & ~np.eye(len(kind), dtype=bool)
    return {"similarity": np.array([cosines[pairs].mean(), cosines[~same].mean()])}
