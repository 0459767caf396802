"""Competing phases: competition and spikes of a cycle, on a CPU in one compiled pass.

In each step of its phases a pixel fires with probability q, in one of the phases or in
none. Where it does not, its feedback is of no use, and lazy feedback is not computed:
with two steps a phase and q = ½, that of a quarter of the pixels. Pixels lie side by side
in the innermost loops, so that a CPU takes many of them at once; as expressions of whole
arrays, the same takes five times as long.
"""

import numpy as np

from dasbe.engine.compiled import compiled, compiled_unordered
from dasbe.engine.feedback import FeedbackArrays
from dasbe.engine.streams import UNIFORM_BITS, draw, word_buffer


@compiled
def phase_cycle(
    feedback: FeedbackArrays,
    states: np.ndarray,
    counts: np.ndarray,
    n_phases: int,
    sampling: np.floating,
    sharpness: np.floating,
    spikes: np.ndarray,
) -> None:
    """Competition and spikes of a cycle of K phases.

    `feedback` is y of each step of each phase, (N, K·m, F); in the first cycle, (N, K, F).
    `sampling` q and `sharpness` β are of its type. The generators' `states` (N, 4) are
    advanced. Writes `spikes` (N, K·m, F) uint8: 1 where a pixel fires, else 0.
    """
    width, steps = spikes.shape[2], spikes.shape[1] // n_phases
    steps_before = feedback.values.shape[1] // n_phases
    drawn = word_buffer(steps * width)
    words = drawn.view(np.int32)
    real = feedback.values.dtype.type
    scale, half, least = real(2.0**-32), real(0.5), real(1e-30)
    u, powers = np.empty((steps, width), real), np.empty((n_phases, width), real)
    end, of_power = np.empty((2, width), real)
    firing = np.empty(width + 1, np.int64)
    for i in range(spikes.shape[0]):
        n, y = counts[i], feedback.values[i]
        draw(states[i], drawn[: (steps * n + 1) // 2])
        for t in range(steps):
            for p in range(n):
                u[t, p] = real(words[t * n + p] & UNIFORM_BITS) * scale + half
        if len(feedback.hidden):
            n_firing = np.uint64(0)
            for p in range(n):
                firing[n_firing] = p  # overwritten by the next pixel unless this one fires
                n_firing += np.uint64(u[:, p].min() < sampling)
            y[:, :n] = 0
            compute_where_needed(feedback, i, firing[:n_firing])
        of_power[:n] = 0
        for k in range(n_phases):
            power, first = powers[k], y[k * steps_before]
            for p in range(n):
                power[p] = first[p]
            for t in range(1, steps_before):
                of_step = y[k * steps_before + t]
                for p in range(n):
                    power[p] += of_step[p]
            for p in range(n):
                power[p] /= real(steps_before)
            if sharpness == 2:
                for p in range(n):
                    power[p] *= power[p]
            else:
                for p in range(n):
                    power[p] = power[p] ** sharpness
            for p in range(n):
                of_power[p] += power[p]
        for p in range(n):
            of_power[p] = sampling / max(of_power[p], least)
        for t in range(steps):
            u_of_step = u[t]
            end[:n] = 0
            for k in range(n_phases):
                power, fires = powers[k], spikes[i, k * steps + t]
                for p in range(n):
                    start = end[p]
                    end[p] = start + power[p] * of_power[p]
                    fires[p] = (start <= u_of_step[p]) & (u_of_step[p] < end[p])
                fires[n:] = 0


@compiled
def compute_where_needed(feedback: FeedbackArrays, image: int, pixels: np.ndarray) -> None:
    """Write y = σ(W h + b) of some `pixels` in all steps, four pixels at a time, into ``feedback.values``."""
    y, h, names = feedback.values[image], feedback.hidden[image], feedback.pixels[image]
    weight, bias = feedback.weight, feedback.bias
    one, last_step, last = y.dtype.type(1), len(y) - 1, len(pixels) - 1
    for first in range(0, len(pixels), 4):
        p0, p1, p2 = pixels[first], pixels[min(first + 1, last)], pixels[min(first + 2, last)]
        p3 = pixels[min(first + 3, last)]
        w0, w1, w2, w3 = weight[names[p0]], weight[names[p1]], weight[names[p2]], weight[names[p3]]
        for t in range(0, last_step, 2):
            drives = _eight_products(h[t], h[t + 1], w0, w1, w2, w3)
            y[t, p0], y[t, p1], y[t, p2], y[t, p3] = drives[0], drives[1], drives[2], drives[3]
            y[t + 1, p0], y[t + 1, p1], y[t + 1, p2], y[t + 1, p3] = drives[4], drives[5], drives[6], drives[7]
        if last_step % 2 == 0:
            y[last_step, p0], y[last_step, p1], y[last_step, p2], y[last_step, p3] = _four_products(
                h[last_step], w0, w1, w2, w3
            )
    for p in pixels:
        for t in range(len(y)):
            y[t, p] = one / (one + np.exp(-(y[t, p] + bias[names[p]])))


@compiled_unordered
def _four_products(
    h: np.ndarray, w0: np.ndarray, w1: np.ndarray, w2: np.ndarray, w3: np.ndarray
) -> tuple[np.floating, np.floating, np.floating, np.floating]:
    """Products w·h of four w."""
    a0 = a1 = a2 = a3 = h.dtype.type(0)
    for j in range(len(h)):
        a0 += w0[j] * h[j]
        a1 += w1[j] * h[j]
        a2 += w2[j] * h[j]
        a3 += w3[j] * h[j]
    return a0, a1, a2, a3


@compiled_unordered
def _eight_products(
    h: np.ndarray, g: np.ndarray, w0: np.ndarray, w1: np.ndarray, w2: np.ndarray, w3: np.ndarray
) -> tuple[np.floating, ...]:
    """Products w·h of four w, then w·g."""
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = h.dtype.type(0)
    for j in range(len(h)):
        a0 += w0[j] * h[j]
        a1 += w1[j] * h[j]
        a2 += w2[j] * h[j]
        a3 += w3[j] * h[j]
        b0 += w0[j] * g[j]
        b1 += w1[j] * g[j]
        b2 += w2[j] * g[j]
        b3 += w3[j] * g[j]
    return a0, a1, a2, a3, b0, b1, b2, b3
