"""How a trained network is scored: by what it is for, on images that neither training nor Table 1 has used."""

from collections.abc import Callable

import numpy as np
from torch import nn

from dasbe.evaluation import (
    HELD_OUT_SEED,
    HELD_OUT_SPLIT,
    HELD_OUT_START,
    MOVING_SEQUENCES,
    held_out_scores,
    held_out_scores_of_rc,
    mean_and_error,
    moving_scores,
)


def _by_dasbe(network: nn.Module, dataset: str, n_images: int, device) -> tuple[np.ndarray, str]:
    scores = np.concatenate(list(held_out_scores(network, dataset, n_images, device=device)))
    return scores, f"{HELD_OUT_SPLIT} from {HELD_OUT_START} on, {n_images} images, seed {HELD_OUT_SEED}"


def _by_rc(network: nn.Module, dataset: str, n_images: int, device) -> tuple[np.ndarray, str]:
    scores = held_out_scores_of_rc(network, dataset, n_images, device=device)
    what = "Reconstruction Clustering"
    return scores, f"{what}, {HELD_OUT_SPLIT} from {HELD_OUT_START} on, {n_images} images, seed {HELD_OUT_SEED}"


def _by_moving(network: nn.Module, dataset: str, n_images: int, device) -> tuple[np.ndarray, str]:
    n_sequences = min(n_images, MOVING_SEQUENCES)
    return moving_scores(network, n_sequences), f"moving_shapes_3/test, {n_sequences} sequences, seed {HELD_OUT_SEED}"


JUDGES: dict[str, Callable[..., tuple[np.ndarray, str]]] = {"dasbe": _by_dasbe, "rc": _by_rc, "moving": _by_moving}


def held_out_ami(network: nn.Module, judge: str, dataset: str, n_images: int, device) -> dict:
    """Mean AMI and its standard error, and on what, as a network's description holds them."""
    scores, images = JUDGES[judge](network, dataset, n_images, device)
    mean, error = mean_and_error(scores)
    return {"mean": round(mean, 4), "standard_error": round(error, 4), "images": images}
