"""The systems in their literal form: one image, one step at a time, straight from the paper.

The oracles that the batched forms are tested against, and what the benchmark compares them with.
"""

import numpy as np
import torch

from dasbe.snn.noise import NoiseStreams, coins, uniform

THRESHOLD = 1 + 1e-5


def bind_step_by_step(image, network, delay, refractory, cycles, noise):
    """Spikes (n, d, H·W) bool and feedback (n, d, H·W) of one image (H, W), or of a sequence (n, H, W).

    `noise` has the methods initial() → (d, H·W), pixels() → u, B, B′, each (H·W,), and
    latent(n) → u (n,); the last two are called once a step.
    """
    frames = torch.as_tensor(image).to(next(network.parameters()).dtype).flatten(-2).expand(cycles, -1)
    counter = torch.zeros_like(frames[0])
    s1, s2 = torch.zeros_like(counter, dtype=torch.bool), torch.zeros_like(counter, dtype=torch.bool)
    latent_counter, previous = None, {}
    c = noise.initial().to(frames.dtype)
    all_spikes, all_feedback = [], []
    with torch.inference_mode():
        for x in frames:
            next_c = torch.zeros_like(c)
            for t in range(delay):
                u, b, b_prime = noise.pixels()
                m = x * c[t] + u
                counter -= 1
                s = (m > THRESHOLD) & (counter < 0)
                counter[s] = refractory
                a = s | s1 | s2
                s2 = s1 & b
                s1 = s & b_prime
                h = network.encoder(a.to(x.dtype)[None])
                if getattr(network, "spiking_latent", False):
                    if latent_counter is None:
                        latent_counter = torch.zeros_like(h)
                    latent_counter -= 1
                    fires = (h + noise.latent(h.shape[1]) > 1) & (latent_counter < 0)
                    latent_counter[fires] = refractory
                    h = fires.to(x.dtype)
                if getattr(network, "recurrent", None) is not None:  # h of the same step of the cycle before
                    before, previous[t] = previous.get(t, torch.zeros_like(h)), h
                    h = torch.sigmoid(network.recurrent(before) + h)
                next_c[t] = network.decoder(h)[0]
                all_spikes.append(s)
            c = next_c
            all_feedback.append(c)
    return torch.stack(all_spikes).unflatten(0, (cycles, delay)), torch.stack(all_feedback)


def pure_ann_step_by_step(image, network, delay, cycles, noise):
    """What the network is shown without spikes, a (n, d, H·W), for one image (H, W) and a deterministic latent layer.

    `noise` has the method initial() → (d, H·W).
    """
    x = torch.as_tensor(image).reshape(-1).to(next(network.parameters()).dtype)
    c = noise.initial().to(x.dtype)
    shown = []
    with torch.inference_mode():
        for _ in range(cycles):
            next_c = torch.zeros_like(c)
            for t in range(delay):
                a = x * c[t]
                next_c[t] = network.decoder(network.encoder(a[None]))[0]
                shown.append(a)
            c = next_c
    return torch.stack(shown).unflatten(0, (cycles, delay))


def pulse_coupled_step_by_step(image, steps, uniforms, v_theta, tau_theta):
    """Spikes (steps, H·W) bool of the pulse-coupled network on one image, with the dense weight array.

    `uniforms` yields u (H·W,) once a step; a pixel's input is dropped where u < 0.2.
    """
    height, width = image.shape
    y, x = np.divmod(np.arange(image.size), width)
    dy, dx = np.subtract.outer(y, y), np.subtract.outer(x, x)
    weights = np.where((abs(dy) <= 4) & (abs(dx) <= 4), np.exp(-np.hypot(dy, dx)), 0)
    np.fill_diagonal(weights, 0)
    ink = image.reshape(-1).astype(float)
    fired, link, theta = np.zeros(image.size), np.zeros(image.size), np.full(image.size, 2.0)
    spikes = []
    for _ in range(steps):
        feeding = ink * (next(uniforms) >= 0.2)
        link = np.exp(-1 / 2) * link + weights @ fired
        membrane = feeding * (1 + 3 * link) - min(fired.sum(), 1) * 3.5
        theta = np.exp(-1 / tau_theta) * theta + v_theta * fired
        fired = (membrane >= theta).astype(float)
        spikes.append(fired > 0)
    return np.array(spikes)


class FreshNoise:
    """Numbers drawn where they are needed, as a user of the paper would write it."""

    def __init__(self, delay, n_pixels, seed=0):
        self.shape = (delay, n_pixels)
        self.generator = torch.Generator().manual_seed(seed)

    def initial(self):
        c = torch.randn(self.shape, generator=self.generator).abs()
        return c / c.sum(0)

    def pixels(self):
        n = self.shape[1]
        u = torch.rand(n, generator=self.generator)
        return (u, *(torch.rand((2, n), generator=self.generator) < 0.5))

    def latent(self, n):
        return torch.rand(n, generator=self.generator)


class ReplayedNoise:
    """The numbers that `dasbe.bind` draws for one image, in the order in which it draws them.

    Background pixels draw none; they get u = 0.99, with which they must stay silent all the same.
    """

    def __init__(self, image, delay, n_latent, spiking, seed, index, dtype, normalise=True):
        self.foreground = torch.from_numpy(np.flatnonzero(image))
        self.n_pixels = image.size
        self.delay, self.n_latent, self.spiking, self.dtype = delay, n_latent, spiking, dtype
        self.streams = NoiseStreams(seed, [index], [len(self.foreground)])
        self.normalise = normalise
        self.step = 0

    def initial(self):
        c = torch.full((self.delay, self.n_pixels), 0.5)
        c[:, self.foreground] = self.streams.initial_feedback(self.delay, self.normalise)[0]
        return c

    def pixels(self):
        if self.step % self.delay == 0:
            self.words = self.streams.pixel_words(self.delay)[0]
            self.latent_words = self.streams.latent_words(self.delay, self.n_latent)[0] if self.spiking else None
        self.t = self.step % self.delay
        self.step += 1
        words = self.words[self.t]
        flips = coins(words)
        u = torch.full((self.n_pixels,), 0.99, dtype=self.dtype)
        u[self.foreground] = uniform(words, self.dtype)
        b, b_prime = torch.zeros((2, self.n_pixels), dtype=torch.bool)
        b[self.foreground] = (flips >> 1 & 1).bool()
        b_prime[self.foreground] = (flips & 1).bool()
        return u, b, b_prime

    def latent(self, n):
        return uniform(self.latent_words[self.t], self.dtype)
