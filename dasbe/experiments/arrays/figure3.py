"""Figure 3: synchrony, rate and clustering scores on all datasets."""

import argparse

import numpy as np
from tqdm import tqdm

from dasbe.ann.files import load_network
from dasbe.binding.loop import bind
from dasbe.datasets import TABLE_DATASETS, ensure_dataset, load_dataset, settings_of
from dasbe.metrics import cycle_scores
from dasbe.support.published import CYCLES_FIGURES, IMAGES_TABLE
from dasbe.support.storage import Arrays

N_IMAGES = 100
SCORES = ("synchrony", "rate", "clustering")


def compute(options: argparse.Namespace) -> Arrays:
    """``DATASET_SCORE`` (images, n) for the three scores, and the numbers of the images, (images,)."""
    for dataset in TABLE_DATASETS:
        load_network(dataset)  # says early if one is missing
        ensure_dataset(dataset)
    n_images = 5 if options.quick else N_IMAGES
    rng = np.random.default_rng(options.seed)
    indices = np.sort(rng.choice(IMAGES_TABLE, n_images, replace=False))
    arrays = {"indices": indices}
    with tqdm(total=len(TABLE_DATASETS) * n_images, desc="figure 3", unit=" images") as bar:
        for dataset in TABLE_DATASETS:
            scores = _scores(dataset, indices, options, bar)
            arrays |= {f"{dataset}_{name}": values for name, values in scores.items()}
    return arrays


def _scores(dataset: str, indices: np.ndarray, options: argparse.Namespace, bar: tqdm) -> Arrays:
    """(images, n) of each score."""
    parameters, network = settings_of(dataset), load_network(dataset, options.device)
    images, groups = load_dataset(dataset, "train_multi", 0, IMAGES_TABLE)
    images, groups = images[indices], groups[indices]
    scores = {name: np.empty((len(indices), CYCLES_FIGURES)) for name in SCORES}
    block = 10  # images whose spikes are held in memory
    for start in range(0, len(indices), block):
        run = bind(
            images[start : start + block],
            network,
            delay=parameters.delay,
            refractory=parameters.refractory,
            cycles=CYCLES_FIGURES,
            seed=options.seed,
            indices=indices[start : start + block],
            device=options.device,
        )
        for i, spikes in enumerate(run.spikes, start=start):
            for name, values in cycle_scores(spikes, groups[i], seed=options.seed).items():
                scores[name][i] = values
            bar.update(1)
    return scores
