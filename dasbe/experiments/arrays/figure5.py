"""Figure 5: binding objects that move."""

import argparse

import numpy as np
from torch import nn

from dasbe.ann.files import load_network
from dasbe.binding.labels import align
from dasbe.datasets import ensure_dataset, load_dataset
from dasbe.evaluation.segment import (
    MOVING_CYCLES,
    MOVING_SCORED_FROM,
    MOVING_SEQUENCES,
    bind_sequences,
    frame_scores,
    group_frames,
    numbers_of_objects,
    system_settings,
)
from dasbe.metrics import ami
from dasbe.support.published import CYCLES_FIGURES
from dasbe.support.storage import Arrays
from dasbe.systems import system_of

DATASET, NETWORK = "moving_shapes_3", "moving"
STILL = "shapes"  # the dataset whose network binds single frames, for comparison; same delay and refractory time


def compute(options: argparse.Namespace) -> Arrays:
    """Frames, ground truth and grouping (n, H, W), spikes (n, d, H, W) of one sequence; AMI (sequences, n) of many."""
    network, still_network = load_network(NETWORK, options.device), load_network(STILL, options.device)
    ensure_dataset(DATASET)
    frames, groups = (
        part[:, :MOVING_CYCLES] for part in load_dataset(DATASET, "train_multi", options.index, options.index + 1)
    )
    spikes = bind_sequences(frames, network, seed=options.seed, device=options.device)
    labels = group_frames(spikes, groups, seed=options.seed)
    shown = {
        "frames": frames[0],
        "groups": groups[0],
        "spikes": spikes[0],
        "labels": align(labels[0], groups[0]),
        "sequence_ami": ami(groups[0], labels[0]),
    }
    return shown | evaluate(
        network, still_network, 4 if options.quick else MOVING_SEQUENCES, options.seed, options.device
    )


def evaluate(network: nn.Module, still_network: nn.Module, n_sequences: int, seed: int, device: str) -> Arrays:
    """AMI of every cycle of ``test`` sequences, (sequences, n), and of what it is compared with.

    ``chance_ami``: groups shuffled among the pixels that fire, (sequences, cycles from `MOVING_SCORED_FROM` on).
    ``one_cycle_ami``, ``thirty_cycles_ami``: the same frames, each bound from scratch by
    the network for still shapes; the latter read from its last ten cycles.
    """
    frames, groups = (part[:, :MOVING_CYCLES] for part in load_dataset(DATASET, "test", 0, n_sequences))
    labels = group_frames(bind_sequences(frames, network, seed=seed, device=device), groups, seed=seed)
    scores = frame_scores(groups, labels)

    late_labels = labels[:, MOVING_SCORED_FROM:]
    stills, truth = (part[:, MOVING_SCORED_FROM:].reshape(-1, *frames.shape[2:]) for part in (frames, groups))
    dasbe, objects = system_of("dasbe"), numbers_of_objects(truth)
    result = {"test_ami": scores, "chance_ami": ami(truth, _shuffled(truth, late_labels.reshape(truth.shape), seed))}
    for name, cycles in (("one_cycle_ami", 1), ("thirty_cycles_ami", CYCLES_FIGURES)):
        settings = system_settings(dasbe, STILL, cycles=cycles)
        found = dasbe.segment(stills, still_network, settings=settings, n_objects=objects, seed=seed, device=device)
        result[name] = ami(truth, found)
    return {key: values.reshape(n_sequences, -1) if key != "test_ami" else values for key, values in result.items()} | {
        "scored_from": np.array(MOVING_SCORED_FROM)
    }


def _shuffled(truth: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """`labels` (N, H, W) with those of the labelled pixels of each image in random order."""
    rng = np.random.default_rng([seed, 5])
    shuffled = labels.copy()
    for image, inside in zip(shuffled, truth > 0):
        image[inside] = rng.permutation(image[inside])
    return shuffled
