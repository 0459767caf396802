"""The coding space on a CPU: one pass over the pixels of a cycle, compiled by Numba.

The same as :mod:`dasbe.snn.noise` and :mod:`dasbe.snn.coding_space` one after the other,
from the same random words, to the last spike (the tests compare them); but the numbers
are drawn, used and forgotten in the fastest memory, and the global interpreter lock is
released. ``state`` is that of NumPy's SFC64 generator (Doty-Humphrey's "small fast
counting" generator, 64 bit), one row of four words for each image.
"""

import numpy as np
from numba import njit

_COMPILE = {"nogil": True, "cache": True, "fastmath": False}
UPPER = ~np.int32(0xFF)  # the 24 bits of a word that make the uniform number
READY = 1 / 3  # of the pixels; if fewer are, feedback on demand is faster than a matrix product
STEPS_BETWEEN_LOOKS = 4  # for that
LANES = 16  # numbers that a compiled loop takes at once; what is left over goes one by one, and slowly


@njit(**_COMPILE)
def draw(state, out):
    """Fill `out` (n,) uint64 from a generator of `state` (4,) uint64; two words each, the lower half first."""
    a, b, c, counter = state[0], state[1], state[2], state[3]
    step = np.uint64(len(state) // 4)  # 1; a compiler that knew would unroll the loop, and make it half as fast
    i, end = np.uint64(0), np.uint64(len(out))
    while i < end:
        drawn = a + b + counter
        out[i] = drawn
        counter += np.uint64(1)
        a = b ^ (b >> np.uint64(11))
        b = c + (c << np.uint64(3))
        c = ((c << np.uint64(24)) | (c >> np.uint64(40))) + drawn
        i += step
    state[0], state[1], state[2], state[3] = a, b, c, counter


@njit(**_COMPILE)
def fill_words(states, counts, out):
    """Words of a cycle for many images: `out` (N, steps, width) int32; image i fills its first counts[i] columns."""
    steps = out.shape[1]
    drawn = room_for(steps * out.shape[2])
    words = drawn.view(np.int32)
    for i in range(out.shape[0]):
        n = counts[i]
        draw(states[i], drawn[: (steps * n + 1) // 2])
        for t in range(steps):
            out[i, t, :n] = words[t * n : (t + 1) * n]


@njit(**_COMPILE)
def room_for(n_words):
    """Where to draw `n_words` 32-bit words; what is left of the last number is dropped."""
    return np.empty((n_words + 1) // 2, np.uint64)


@njit(**_COMPILE)
def run_cycle(
    feedback, resting, hidden, weight, bias, pixels, states, counts, refractory, threshold, counter, trace1, trace2,
    spikes, seen
):  # fmt: skip
    """All steps of a cycle: draws, membrane, refractoriness, coincidence detector.

    Parameters
    ----------
    feedback : (N, d, F) float
        c; overwritten where it is computed on demand.
    resting : (N,) bool, or (0,) if no image is to wait for its c
        Images whose c is computed on demand, from what follows: only where a pixel is
        ready to fire. Renewed: those with less than the part `READY` of such pixels.
    hidden : (N, d, L) float
        h.
    weight : (H·W, L) float
        W of c = σ(W h + b).
    bias : (H·W,) float
        b.
    pixels : (N, F) int
        Number of each in its image.
    states : (N, 4) uint64
        Of the generators; advanced.
    counts : (N,) int64
        Foreground pixels of each image.
    refractory : (N, F) int8
        r.
    threshold : float of the type of `feedback`
        V.
    counter, trace1, trace2 : (N, F) int8, uint8, uint8
        State of the coding space; advanced.
    spikes, seen : (N, d, F) bool, uint8
        Written: s and a; 0 beyond an image's own pixels.
    """
    drawn = room_for(feedback.shape[1] * feedback.shape[2])
    words = drawn.view(np.int32)
    ready = np.empty(feedback.shape[2] + 1, np.int64)
    scale, half = feedback.dtype.type(2.0**-32), feedback.dtype.type(0.5)
    for i in range(feedback.shape[0]):
        n, may_wait, n_looked_at, n_ready = counts[i], len(resting) > 0, 0, 0
        on_demand = may_wait and resting[i]
        draw(states[i], drawn[: (feedback.shape[1] * n + 1) // 2])
        f, s1, s2, r = counter[i], trace1[i], trace2[i], refractory[i]
        for t in range(feedback.shape[1]):
            c, s, a, of_step = feedback[i, t], spikes[i, t], seen[i, t], words[t * n : (t + 1) * n]
            if on_demand:
                k = np.uint64(0)
                for p in range(n):
                    ready[k] = p  # overwritten by the next pixel unless this one is ready
                    k += np.uint64(f[p] == 0)
                _feed_back(hidden[i, t], weight, bias, pixels[i], ready[:k], c)
                n_looked_at, n_ready = n_looked_at + n, n_ready + np.int64(k)
            elif may_wait and t % STEPS_BETWEEN_LOOKS == 0:
                n_looked_at += n
                for p in range(n):
                    n_ready += f[p] == 0
            s[n:], a[n:] = False, 0
            for p in range(n):
                word = of_step[p]
                u = feedback.dtype.type(word & UPPER) * scale + half
                silent_steps = max(f[p] - 1, -1)
                fires = (c[p] + u > threshold) & (silent_steps < 0)
                s[p] = fires
                spike = np.uint8(fires)
                a[p] = spike | s1[p] | s2[p]
                s2[p] = s1[p] & np.uint8((word >> 1) & 1)
                s1[p] = spike & np.uint8(word & 1)
                f[p] = r[p] if fires else max(silent_steps, 0)
        if may_wait:
            resting[i] = n_ready < READY * n_looked_at


@njit(**_COMPILE)
def _feed_back(h, weight, bias, pixels, wanted, c):
    """Write c = σ(W h + b) of the pixels that are `wanted`, two at a time."""
    one = h.dtype.type(1)
    for k in range(0, len(wanted), 2):
        p, q = wanted[k], wanted[min(k + 1, len(wanted) - 1)]
        drive_p, drive_q = _two_products(h, weight[pixels[p]], weight[pixels[q]])
        c[p] = one / (one + np.exp(-(drive_p + bias[pixels[p]])))
        c[q] = one / (one + np.exp(-(drive_q + bias[pixels[q]])))


@njit(**(_COMPILE | {"fastmath": {"reassoc", "contract"}}))  # in any order, so that many terms are added at once
def _two_products(h, w, v):
    """w·h and v·h."""
    w_h = v_h = h.dtype.type(0)
    for j in range(len(h)):
        w_h += w[j] * h[j]
        v_h += v[j] * h[j]
    return w_h, v_h


@njit(**_COMPILE)
def fire_latent(drive, states, refractory, counter, latent):
    """Spiking latent neurons over a cycle: z + u > 1 fires, then r silent steps.

    Parameters
    ----------
    drive : (N, d, L) float
        z.
    states : (N, 4) uint64
    refractory : int
    counter : (N, L) int8
    latent : (N, d, L) float
        Written: 1 where a neuron fires, else 0.
    """
    n = drive.shape[2]
    drawn = room_for(drive.shape[1] * n)
    words = drawn.view(np.int32)
    scale, half, one = drive.dtype.type(2.0**-32), drive.dtype.type(0.5), drive.dtype.type(1)
    for i in range(drive.shape[0]):
        draw(states[i], drawn)
        f = counter[i]
        for t in range(drive.shape[1]):
            z, h, of_step = drive[i, t], latent[i, t], words[t * n : (t + 1) * n]
            for k in range(n):
                u = drive.dtype.type(of_step[k] & UPPER) * scale + half
                silent_steps = max(f[k] - 1, -1)
                fires = (z[k] + u > one) & (silent_steps < 0)
                h[k] = drive.dtype.type(fires)
                f[k] = refractory if fires else max(silent_steps, 0)


@njit(**_COMPILE)
def list_events(active, rows, events, starts):
    """List the inputs that are active, step by step; returns how many there are.

    Parameters
    ----------
    active : (N, d, E) uint8 or float, 0 or 1
    rows : (N, E) int32
        Name of each input.
    events : (at least N·d·E + 1,) int32
        Written: the names of the active inputs, step after step.
    starts : (N·d,) int32
        Written: where those of each step begin in `events`.
    """
    k = np.uint64(0)  # unsigned, as no number counts from the end: that would be looked at each time
    steps = active.shape[1]
    for i in range(active.shape[0]):
        names = rows[i]
        for t in range(steps):
            starts[i * steps + t] = k
            now = active[i, t]
            for p in range(len(now)):
                events[k] = names[p]  # overwritten by the next input unless this one is active
                k += np.uint64(now[p] != 0)
    return k


@njit(**_COMPILE)
def copy_pixels(values, counts, images, out):
    """Copy the first counts[i] columns of values[i] to out[images[i]].

    Parameters
    ----------
    values : (N, d, F) float or bool
    counts : (N,) int64
    images : (N,) int64
    out : (M, d, at least the largest of `counts`) float or bool
        Written.
    """
    for i in range(values.shape[0]):
        for t in range(values.shape[1]):
            shown, kept = values[i, t], out[images[i], t]
            for p in range(counts[i]):
                kept[p] = shown[p]


@njit(**_COMPILE)
def put_pixels(values, pixels, counts, images, out):
    """Put foreground pixels where they belong in their images.

    Parameters
    ----------
    values : (N, T, F) float or bool
    pixels : (N, F) int64
        Number of each in its image.
    counts : (N,) int64
        How many each image has.
    images : (n,) int64
        Which images to do.
    out : (N, T, H·W) float or bool
        Written.
    """
    for i in images:
        for t in range(values.shape[1]):
            shown, image = values[i, t], out[i, t]
            for p in range(counts[i]):
                image[pixels[i, p]] = shown[p]


@njit(**_COMPILE)
def run_pulse_coupled(pixels, width, counts, states, steps, weights, constants, initial_threshold, images, spikes):
    """The pulse-coupled network on many images; spikes act on their neighbours one by one.

    Pixels without ink have U ≤ 0 < θ and never fire, so only the others are computed.

    Parameters
    ----------
    pixels : (N, F) int64
        Number of each foreground pixel in its image, ascending.
    width : int
        W.
    counts : (N,) int64
    states : (N, 4) uint64
        Of the generators; advanced. One word a foreground pixel and step.
    steps : int
    weights : (2·reach + 1, 2·reach + 1) float64
    constants : (7,) float64
        :class:`dasbe.snn.pulse_coupled.PulseCoupledParameters`.
    initial_threshold : float
    images : (N,) int64
        Which of the images of `spikes` they are.
    spikes : (M, last, at least F) bool
        Written where a neuron fires in the last steps.
    """
    threshold_jump, threshold_decay, linking, linking_jump, linking_decay, inhibition, dropout = constants
    keep_threshold, keep_linking = np.exp(-1 / threshold_decay), np.exp(-1 / linking_decay)
    lowest = int(np.ceil((dropout - 0.5) * 2.0**24)) * 2**8  # of the words that leave a pixel its input: u ≥ dropout
    last = spikes.shape[1]
    drawn = room_for(pixels.shape[1])
    words = drawn.view(np.int32)
    fired = np.empty(pixels.shape[1], np.int64)
    by_displacement = _weights_by_displacement(width, weights)
    for i in range(pixels.shape[0]):
        n, n_fired = counts[i], 0
        firsts, starts, strengths = _spans(pixels[i, :n], width, by_displacement)
        coupled = np.zeros(n + LANES)  # w y, and room for the zeros at the end of a span
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


@njit(**_COMPILE)
def _weights_by_displacement(width, weights):
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


@njit(**_COMPILE)
def _spans(pixels, width, by_displacement):
    """How strongly each of `pixels` (n,), ascending, acts on all those from its first neighbour to its last.

    Some in between are no neighbours and have strength 0, and each span ends with zeros
    to a multiple of `LANES`: to add up all in order is faster than to jump from neighbour
    to neighbour. `by_displacement` is :func:`_weights_by_displacement`.

    Returns
    -------
    firsts : (n,) int64
        Where the span of each pixel begins in `pixels`.
    starts : (n + 1,) int64
        That of pixel p is at starts[p] to starts[p + 1] of `strengths`.
    strengths : float64
    """
    reach = (by_displacement.shape[0] - 3) // 2
    furthest = reach * width + min(reach, width - 1)
    firsts = np.searchsorted(pixels, pixels - furthest)
    lengths = np.searchsorted(pixels, pixels + furthest, side="right") - firsts
    starts = np.zeros(len(pixels) + 1, np.int64)
    starts[1:] = np.cumsum((lengths + LANES - 1) // LANES * LANES)
    strengths = np.zeros(starts[-1])
    places = pixels + (width - 1) * (pixels // width)
    flat, middle = by_displacement.reshape(-1), by_displacement.size // 2
    for p in range(len(pixels)):
        span, near = strengths[starts[p] :], places[firsts[p] : firsts[p] + lengths[p]]
        for k in range(len(near)):
            span[k] = flat[np.uint64(near[k] - places[p] + middle)]  # unsigned: no number counts from the end
    return firsts, starts, strengths
