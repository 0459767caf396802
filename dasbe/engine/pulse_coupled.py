"""The pulse-coupled network on a CPU: only what fires acts, and only on its neighbours.

It gives the same spikes as the equations in :mod:`dasbe.systems.pure_snn`, step by step.
"""

import numpy as np

from dasbe.engine.compiled import compiled
from dasbe.engine.streams import draw, word_buffer

SIMD_WIDTH = 16  # numbers that a compiled loop takes at once; what is left over goes one by one, and slowly


@compiled
def simulate(
    pixels: np.ndarray,
    width: int,
    counts: np.ndarray,
    states: np.ndarray,
    steps: int,
    weights: np.ndarray,
    constants: np.ndarray,
    initial_threshold: float,
    images: np.ndarray,
    spikes: np.ndarray,
) -> None:
    """The pulse-coupled network on many images; spikes act on their neighbours one by one.

    Pixels without ink have U ≤ 0 < θ and never fire, so only the others are computed: `pixels`
    (N, F) are their flat indices in images of `width` W, ascending, the first `counts` (N,)
    of them an image's own. `constants` (7,) are :class:`dasbe.systems.pure_snn.Settings`. The
    generators' `states` (N, 4) are advanced, by one word a pixel and step. Writes True into
    `spikes` (M, last, at least F), at `images` (N,), where a neuron fires in the last steps.
    """
    threshold_jump, threshold_decay, linking, linking_jump, linking_decay, inhibition, dropout = constants
    keep_threshold, keep_linking = np.exp(-1 / threshold_decay), np.exp(-1 / linking_decay)
    lowest = int(np.ceil((dropout - 0.5) * 2.0**24)) * 2**8  # of the words of inputs: u ≥ dropout
    last = spikes.shape[1]
    drawn = word_buffer(pixels.shape[1])
    words = drawn.view(np.int32)
    fired = np.empty(pixels.shape[1], np.int64)
    by_displacement = _weights_by_displacement(width, weights)
    for i in range(pixels.shape[0]):
        n, n_fired = counts[i], 0
        firsts, starts, strengths = _spans(pixels[i, :n], width, by_displacement)
        coupled = np.zeros(n + SIMD_WIDTH)  # w y, and room for the zeros at the end of a span
        link = np.zeros(n)  # L
        threshold = np.full(n, keep_threshold * initial_threshold)  # θ of the next step, but for what spikes add
        fires = np.zeros(n, np.uint8)  # y
        for t in range(steps):
            draw(states[i], drawn[: (n + 1) // 2])
            for k in range(n_fired):
                p = fired[k]
                threshold[p] += threshold_jump
                j, end = np.uint64(starts[p]), np.uint64(starts[p + 1])  # unsigned: no number counts from the end
                shift = np.uint64(firsts[p]) - j
                while j < end:
                    coupled[j + shift] += strengths[j]
                    j += np.uint64(1)
            inhibited = inhibition if n_fired else 0.0
            any_fires = False
            for p in range(n):  # without branches, so that many pixels are computed at once
                link[p] = keep_linking * link[p] + linking_jump * coupled[p]
                driven = 1 + linking * link[p] if words[p] >= lowest else 0.0
                now_fires = driven - inhibited >= threshold[p]
                fires[p] = now_fires
                any_fires |= now_fires
                threshold[p] *= keep_threshold
                coupled[p] = 0
            n_fired = 0
            if any_fires:  # in a third of the steps nothing does
                for p in range(n):
                    fired[n_fired] = p  # overwritten by the next pixel unless this one fires
                    n_fired += fires[p]
            if t >= steps - last:
                now = spikes[images[i], t - steps + last]
                for k in range(n_fired):
                    now[fired[k]] = True


@compiled
def _weights_by_displacement(width: int, weights: np.ndarray) -> np.ndarray:
    """`weights` as a table (2·reach + 3, 2W − 1) of all displacements, 0 where they are out of reach.

    Read in order, it is indexed by dy·(2W − 1) + dx, counted from its middle: pixels
    numbered with 2W − 1 to a row need no more than their difference. Pixels between a
    pixel and its last neighbour are at most reach + 1 rows away.
    """
    reach = weights.shape[0] // 2
    side = min(reach, width - 1)
    table = np.zeros((2 * reach + 3, 2 * width - 1))
    table[1:-1, width - 1 - side : width + side] = weights[:, reach - side : reach + side + 1]
    return table


@compiled
def _spans(pixels: np.ndarray, width: int, by_displacement: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How strongly each of `pixels` (n,), ascending, acts on all those from its first neighbour to its last.

    Some in between are no neighbours and have strength 0, and each span ends with zeros
    to a multiple of `SIMD_WIDTH`: to add up all in order is faster than to jump from neighbour
    to neighbour. `by_displacement` is :func:`_weights_by_displacement`. Returns where the span
    of each pixel begins in `pixels`, (n,), where it begins in the strengths, (n + 1,), as it
    ends where the next begins, and the strengths, float64.
    """
    reach = (by_displacement.shape[0] - 3) // 2
    furthest = reach * width + min(reach, width - 1)
    firsts = np.searchsorted(pixels, pixels - furthest)
    lengths = np.searchsorted(pixels, pixels + furthest, side="right") - firsts
    starts = np.zeros(len(pixels) + 1, np.int64)
    starts[1:] = np.cumsum((lengths + SIMD_WIDTH - 1) // SIMD_WIDTH * SIMD_WIDTH)
    strengths = np.zeros(starts[-1])
    places = pixels + (width - 1) * (pixels // width)
    flat, middle = by_displacement.reshape(-1), by_displacement.size // 2
    for p in range(len(pixels)):
        span, near = strengths[starts[p] :], places[firsts[p] : firsts[p] + lengths[p]]
        for k in range(len(near)):
            span[k] = flat[np.uint64(near[k] - places[p] + middle)]  # unsigned: no number counts from the end
    return firsts, starts, strengths
