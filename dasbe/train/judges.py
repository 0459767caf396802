"""How a trained network is scored: by what it is for, on images that neither training nor Table 1 has used."""

import numpy as np
import torch
from torch import nn

from dasbe.evaluation.segment import MOVING_SEQUENCES, held_out_scores, mean_and_error, moving_scores
from dasbe.support.published import HELD_OUT_SEED, HELD_OUT_SPLIT, HELD_OUT_START
from dasbe.systems import system_of

MOVING = "moving"  # the judge of networks for films; all others are systems


def held_out_ami(network: nn.Module, judge: str, dataset: str, n_images: int, device: torch.device | str) -> dict:
    """Mean AMI, its standard error, its mean by the larger entropy, and on what, as a network's description holds them.

    For films there is no such other mean.
    """
    others = {}
    if judge == MOVING:
        n_images = min(n_images, MOVING_SEQUENCES)
        scores, images = moving_scores(network, n_images, device=device), f"moving_shapes_3/test, {n_images} sequences"
    else:
        both = np.concatenate(list(held_out_scores(judge, network, dataset, n_images, device=device)))
        scores, by_larger_entropy = both.T
        others = {"mean_by_larger_entropy": round(mean_and_error(by_larger_entropy)[0], 4)}
        images = f"{system_of(judge).title}, {HELD_OUT_SPLIT} from {HELD_OUT_START} on, {n_images} images"
    mean, error = mean_and_error(scores)
    return {
        "mean": round(mean, 4),
        "standard_error": round(error, 4),
        **others,
        "images": f"{images}, seed {HELD_OUT_SEED}",
    }
