"""Random numbers: one stream an image, so that batches, workers and order do not matter.

A neuron needs a uniform number in each step, and a pixel two coin flips besides; one
random 32-bit word gives all three. Its upper 24 bits are u ∈ [0, 1), its bits 0 and 1
the coins.
"""

import numpy as np
import torch
from torch import Tensor

# Uses of random numbers; each has a stream of its own for every image. That of the binding loop has no number.
READOUT, ASSIGNMENTS, SCENES, REFINEMENT = 1, 2, 3, 4

LOWEST_WORD = -(2**31)  # u = 0: a pixel that draws it fires for no feedback in [0, 1]


def image_stream(seed: int, index: int, *use: int) -> np.random.SFC64:
    """Random stream of image number `index` for one `use`; that of the binding loop is without one."""
    return np.random.SFC64(np.random.SeedSequence([int(seed), int(index), *use]))


def seed_of_run(seed: int, run: int) -> int:
    """Seed of run number `run` of several with different random numbers; the first has `seed` itself."""
    return seed if run == 0 else int(np.random.SeedSequence([seed, run]).generate_state(1)[0])


def uniform(words: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """u ∈ [0, 1) from the upper 24 bits of each int32 word, exactly representable in `dtype`."""
    return (words & ~0xFF).to(dtype).mul_(2.0**-32).add_(0.5)


def coins(words: Tensor) -> tuple[Tensor, Tensor]:
    """B and B′, independent fair coins of each int32 word, uint8 0 or 1."""
    bits = words.to(torch.uint8)
    return bits >> 1 & 1, bits & 1
