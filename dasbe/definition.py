"""The whole algorithm, step by step: every system in its literal form, one image and one step at a time.

Read this first. It needs NumPy and PyTorch and nothing else of the package, hides
nothing, and is slow. :func:`bind` is DASBE, the paper's system; the others are what it
is compared with. Symbols and equations are those of the paper (Zheng, Lin, Zhao, Shi
2022, section 3 and appendix). ``dasbe.bind`` and the systems in :mod:`dasbe.systems`
give the same spikes and values from the same random numbers, as the tests show.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

V = 1 + 1e-5  # threshold; above 1, so that noise alone never makes a pixel fire


class Noise(Protocol):
    """Source of the random numbers of one image, in the order of their use."""

    def initial(self) -> Tensor:
        """c of the first cycle, (d, P): |N(0, 1)|, for DASBE divided by its sum over the d steps."""

    def pixels(self) -> tuple[Tensor, Tensor, Tensor]:
        """u ~ U[0, 1) and the fair coins B and B′, (P,) each; drawn once a step."""

    def latent(self, n: int) -> Tensor:
        """u ~ U[0, 1) of n latent neurons, (n,); drawn once a step, after those of the pixels."""


@torch.no_grad()
def bind(
    image: np.ndarray,
    network: Any,
    delay: int,
    refractory: int,
    cycles: int,
    noise: Noise,
    modulate: Callable[[Tensor, Tensor], Tensor] = lambda y, spikes: y,
    gain: np.ndarray | float = 1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """DASBE on one image: the binding loop (Algorithm 1).

    Parameters
    ----------
    image : (H, W) of 0 and 1, or (n, H, W) for a film, one frame a cycle
    network : nn.Module
        With `encoder` and `decoder`; `spiking_latent` if its latent neurons spike,
        `recurrent` (W, b) if its code acts on the next cycle.
    delay, refractory, cycles : int
        d, r and n.
    noise : Noise
    modulate : callable
        Function from y and the spikes of its cycle to c, (d, P) each; in the paper, c = y.
    gain : (H, W)
        Firing gain of each pixel in [0, 1]; in the paper, 1.

    Returns
    -------
    spikes : (n, d, P) bool
        s; P = H·W.
    latents : (n, d, L)
        h.
    feedback : (n, d, P)
        y, from which `modulate` makes c of the next cycle.
    """
    x = torch.as_tensor(image * gain).to(next(network.parameters()).dtype).flatten(-2).expand(cycles, -1)
    c = noise.initial().to(x.dtype)
    f = torch.zeros_like(x[0])  # silent steps left, of each pixel
    f_latent: Tensor | float = 0.0  # and of each latent neuron
    s1 = s2 = torch.zeros_like(f, dtype=torch.bool)  # what is still seen of the last spikes
    h_before: list[Tensor | float] = [0.0] * delay  # h of the same step, one cycle ago
    recorded: list[tuple[Tensor, Tensor, Tensor]] = []
    for i in range(cycles):
        y = torch.zeros_like(c)
        for t in range(delay):
            u, b, b_prime = noise.pixels()
            m = x[i] * c[t] + u  # membrane
            f = f - 1
            s = (m > V) & (f < 0)  # spikes
            f[s] = refractory
            a = s | s1 | s2  # coincidence detector: a spike is seen for one, two or three steps
            s1, s2 = s & b_prime, s1 & b
            h = network.encoder(a.to(x.dtype)[None])[0]  # latent code
            if getattr(network, "spiking_latent", False):
                f_latent = f_latent - torch.ones_like(h)
                fires = (h + noise.latent(len(h)) > 1) & (f_latent < 0)
                f_latent[fires] = refractory
                h = fires.to(x.dtype)
            received = h
            if getattr(network, "recurrent", None) is not None:  # for images that move (section 4.4)
                received = torch.sigmoid(network.recurrent(h_before[t] + torch.zeros_like(h)) + h)
            h_before[t] = h
            y[t] = network.decoder(received[None])[0]  # attention, back one cycle later in the same step
            recorded.append((s, h, y[t]))
        c = modulate(y, torch.stack([s for s, _, _ in recorded[-delay:]]))
    spikes, latents, feedback = (torch.stack(of_steps).unflatten(0, (cycles, delay)) for of_steps in zip(*recorded))
    return spikes, latents, feedback


def competition(y: Tensor, delay: int, refractory: int, gain: float = 2.0, sharpness: float = 2.0) -> Tensor:
    """Competition between the steps of a cycle, a `modulate` of :func:`bind`. Not in the paper.

    Parameters
    ----------
    y : (d, P)
    delay, refractory : int
        d and r.
    gain, sharpness : float
        m and β.

    Returns
    -------
    (d, P)
        c, in all steps together at most m·d / (r + 1), the number of spikes for which a cycle has time.
    """
    power = y**sharpness
    share = power / power.sum(0).clamp(min=1e-30)
    return (gain * delay / (refractory + 1) * share).clamp(max=1)


def fitted_colour(weights: Tensor, colours: Tensor, plane: bool = False) -> Tensor:
    """Colour (C, H, W) that the pixels with `weights` (H, W) have in common, one or a plane, from theirs (C, H, W)."""
    n_channels, height, width = colours.shape
    ramps = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    basis = torch.stack([torch.ones(height, width), *ramps][: 3 if plane else 1]).to(colours).flatten(1)  # (B, P)
    w, x = weights.to(colours).flatten(), colours.flatten(1)
    ridge = torch.tensor([1e-3, 0.3, 0.3])[: len(basis)].to(colours)  # least squares, drawn a little towards 0
    coefficients = torch.linalg.solve((basis * w) @ basis.T + ridge.diag(), (basis * w) @ x.T)
    return (coefficients.T @ basis).reshape(colours.shape)


def find_ground(colours: Tensor, plane: bool = False, sigma: float | None = 0.2) -> tuple[Tensor, float]:
    """What has the commonest colour of an image: a single phase, whose colour is that of the pixels that it keeps.

    Parameters
    ----------
    colours : (C, H, W) in [0, 1]
    plane : bool
        Whether the colour changes evenly over the image.
    sigma : float, optional
        σ, as far as equal colours may lie apart; by default it is found.

    Returns
    -------
    ground : (H, W) bool
    sigma : float
        What is found is at least 0.15, as with less phases lock in.
    """
    n_channels = len(colours)
    x, share = colours * (3 / n_channels) ** 0.5, torch.ones_like(colours[0])  # grey is as far apart as three channels
    for part in (5, 3.5, 2.5, 1.75, 1.25, 1, 1):
        squared = ((x - fitted_colour(share, x, plane)) ** 2).sum(0)
        share = torch.exp(-squared / (2 * (part * (sigma or 0.2)) ** 2))
    found = sigma or 0.0
    for _ in range(0 if sigma else 15):  # the ground, or anything else, of any colour
        squared, of_all = ((x - fitted_colour(share, x, plane)) ** 2).sum(0), share.mean()
        found = max(0.05, float((share * squared).sum() / (n_channels * max(float(share.sum()), 1))) ** 0.5)
        of_ground = of_all * torch.exp(-squared / (2 * found**2)) / (2 * torch.pi * found**2) ** (n_channels / 2)
        share = of_ground / (of_ground + (1 - of_all) * (n_channels / 3) ** (n_channels / 2))
    return share >= 0.5, sigma or max(found, 0.15)


def colour_term(y: Tensor, spikes: Tensor, colours: Tensor, sigma: float = 0.2) -> Tensor:
    """Feedback for pixels that have the colour of those that fired, a `modulate` of :func:`bind`. Not in the paper.

    Parameters
    ----------
    y, spikes : (d, P)
    colours : (C, P)
    sigma : float
        σ.

    Returns
    -------
    (d, P)
        c_t = y_t·N(x; μ_t, σ) / max_τ N(x; μ_τ, σ), with μ_t the mean colour of the spikes of step t.
    """
    x = colours * (3 / len(colours)) ** 0.5
    x = x - x.mean(1, keepdim=True)
    distance = torch.stack([((x[:, None] - fitted_colour(s[None], x[:, None])) ** 2).sum(0)[0] for s in spikes])
    return y * torch.exp((distance.amin(0) - distance) / (2 * sigma**2))


@torch.no_grad()
def pure_ann(image: np.ndarray, network: Any, delay: int, cycles: int, noise: Noise) -> Tensor:
    """pure-ANN on one image: the loop without spikes (Table 1).

    Parameters
    ----------
    image : (H, W) of 0 and 1
    network : nn.Module
        Latent neurons that spike have no refractory time here.
    delay, cycles : int
        d and n.
    noise : Noise
        Its initial numbers are not normalised; pixels draw none.

    Returns
    -------
    (n, d, P)
        a, what the network is shown.
    """
    x = torch.as_tensor(image).reshape(-1).to(next(network.parameters()).dtype)
    c = noise.initial().to(x.dtype)
    shown = []
    for _ in range(cycles):
        y = torch.zeros_like(c)
        for t in range(delay):
            a = x * c[t]
            h = network.encoder(a[None])[0]
            if getattr(network, "spiking_latent", False):
                h = (h + noise.latent(len(h)) > 1).to(x.dtype)
            y[t] = network.decoder(h[None])[0]
            shown.append(a)
        c = y
    return torch.stack(shown).unflatten(0, (cycles, delay))


def pulse_coupled(
    image: np.ndarray, steps: int, u: Iterator[np.ndarray], v_theta: float, tau_theta: float
) -> np.ndarray:
    """pure-SNN on one image: a pulse-coupled neural network with the dense weight array (Table 1, appendix).

    Parameters
    ----------
    image : (H, W) of 0 and 1
    steps : int
    u : iterator of (P,)
        u ~ U[0, 1) of each pixel, one array a step; a pixel's input is dropped where u < 0.2.
    v_theta, tau_theta : float
        V_θ, by which a spike raises the threshold, and τ_θ, steps, with which it falls.

    Returns
    -------
    (steps, P) bool
    """
    beta, v_l, tau_l, w_i = 3.0, 1.0, 2.0, 3.5
    rows, columns = np.divmod(np.arange(image.size), image.shape[1])
    dy, dx = np.subtract.outer(rows, rows), np.subtract.outer(columns, columns)
    w = np.where((abs(dy) <= 4) & (abs(dx) <= 4), np.exp(-np.hypot(dy, dx)), 0)
    np.fill_diagonal(w, 0)
    x = image.reshape(-1).astype(float)
    y, link, theta = np.zeros(image.size), np.zeros(image.size), np.full(image.size, 2.0)
    spikes = []
    for _ in range(steps):
        feeding = x * (next(u) >= 0.2)  # F
        link = np.exp(-1 / tau_l) * link + v_l * (w @ y)  # L
        membrane = feeding * (1 + beta * link) - min(y.sum(), 1) * w_i  # U
        theta = np.exp(-1 / tau_theta) * theta + v_theta * y
        y = (membrane >= theta).astype(float)
        spikes.append(y > 0)
    return np.array(spikes)


@torch.no_grad()
def reconstruction_clustering(image: np.ndarray, network: Any, gamma: np.ndarray, iterations: int) -> np.ndarray:
    """Reconstruction Clustering on one image (Greff, Srivastava, Schmidhuber 2015).

    Parameters
    ----------
    image : (H, W) of 0 and 1
    network : nn.Module
        Latent neurons that spike are taken at their firing probability.
    gamma : (K, P)
        γ at the start: the share of each pixel in each group; its sum over the groups is 1.
    iterations : int

    Returns
    -------
    (H, W) int
        Group of each pixel from 1, 0 = background.
    """
    x = torch.as_tensor(image).reshape(-1).to(next(network.parameters()).dtype)
    g = torch.as_tensor(gamma).to(x.dtype)
    for _ in range(iterations):
        likelihood = torch.empty_like(g)
        for k in range(len(g)):
            h = network.encoder((x * g[k])[None])
            if getattr(network, "spiking_latent", False):
                h = h.clamp(0, 1)
            y = network.decoder(h)[0]  # M-step: what group k would look like
            likelihood[k] = x * y + (1 - x) * (1 - y)  # p(x | y_k), pixel by pixel
        g = likelihood / likelihood.sum(0).clamp(min=1e-12)  # E-step
    return np.where(image == 1, g.argmax(0).numpy().reshape(image.shape) + 1, 0)


@torch.no_grad()
def competing_phases(
    image: np.ndarray,
    network: Any,
    noise: Noise,
    n_phases: int,
    steps_per_phase: int = 2,
    n_objects: int | None = None,
    cycles: int = 40,
    cycles_after_pruning: int = 20,
    sampling: float = 0.5,
    sharpness: float = 2.0,
    shift: float = 0.0,
    colours: Tensor | None = None,
    plane: bool = False,
    sigma: float = 0.2,
    switched: float | None = 0.0,
) -> np.ndarray:
    """Competing phases on one image: more phases than objects compete for the ink, and fall silent one by one.

    Parameters
    ----------
    image : (H, W) of 0 and 1
    network : nn.Module
        Latent neurons that spike have no refractory time here.
    noise : Noise
        Only u of its numbers for pixels is used.
    n_phases, steps_per_phase : int
        K₀ and m.
    n_objects : int, optional
        Number of phases at which none falls silent any more; by default the worth of the groupings decides.
    cycles, cycles_after_pruning : int
        Cycles before the first phase falls silent, and after each.
    sampling, sharpness : float
        q and β.
    shift : float
        Number that training added to the drive of every output of the network.
    colours : (C, H, W) in [0, 1], optional
        Of a grey image or one in colour, whose ink is `image`: 0 where :func:`find_ground` says so.
    plane : bool
        Whether the colour of an object may change evenly over the image.
    sigma : float
        σ, how far equal colours lie apart.
    switched : float, optional
        f, part of the pixels that are switched on or off, whatever the objects; None: found.

    Returns
    -------
    (H, W) int
        Group of each pixel, numbered from 1 in the order of the rows; 0 = background.
    """
    x = torch.as_tensor(image).reshape(-1).to(next(network.parameters()).dtype)
    ink, spiking = x == 1, getattr(network, "spiking_latent", False)
    y = noise.initial().to(x.dtype)  # feedback, (K₀, P)
    phases = list(range(n_phases))  # those that are not silent
    fewest = min(n_objects or 1, n_phases)

    def no_ink(shown: Tensor) -> Tensor:  # log-probability of no ink from each group, (K, P), shown (K, P) of them
        z = network.encoder(shown)
        y = network.decoder(z.clamp(0, 1) if spiking else z)
        return (1 - torch.sigmoid(torch.logit(y) - shift).clamp(1e-6, 1 - 1e-6)).log()

    f, uniform = 0.02 if switched is None else switched, 1.0
    if colours is not None:
        scaled = colours.to(x.dtype) * (3 / len(colours)) ** 0.5
        scaled = scaled - (scaled.flatten(1) @ x / x.sum())[:, None, None]
        # density of any colour, in units of the largest of that of a phase
        uniform = (2 * torch.pi * sigma**2 * len(colours) / 3) ** (len(colours) / 2)

    def distances(spikes: Tensor) -> Tensor:  # −log N(x; μ_k, σ) + constant, (K, P), from the spikes (K, P) of phases
        if colours is None:
            return torch.zeros_like(spikes)
        of_phases = [scaled - fitted_colour(s.reshape(image.shape), scaled, plane) for s in spikes]
        return torch.stack([(off**2).sum(0).flatten() / (2 * sigma**2) for off in of_phases])

    def pixels(of_groups: Tensor, distance: Tensor) -> tuple[Tensor, Tensor]:  # likelihoods of ink, and of none, of all
        none = of_groups.sum(0).exp()
        some = 1 - none
        if colours is not None:
            m = 1 - of_groups.exp()
            some = (some * (m * torch.exp(-distance)).sum(0) / m.sum(0)).clamp(min=1e-6)
        return some[ink], none[~ink]

    def likelihood(of_groups: Tensor, distance: Tensor) -> float:  # ℓ, of the image as their union, in logarithms
        some, none = pixels(of_groups, distance)
        return float(((1 - 2 * f) * some + f * uniform).log().sum() + ((1 - 2 * f) * none + f).log().sum())

    distance = torch.zeros_like(y)
    level = 0.0  # of what competes with the phases, and never fires
    groupings: list[tuple[float, int, Tensor, float]] = []
    for n_left in range(n_phases, fewest - 1, -1):
        for _ in range(cycles if n_left == n_phases else cycles_after_pruning):
            level = float(torch.sigmoid(torch.logit(torch.tensor(f, dtype=x.dtype)) + shift))
            share = (y * torch.exp(distance[phases].amin(0) - distance)) ** sharpness
            gamma = share / (share.sum(0) + level**sharpness).clamp(min=1e-30)  # the phases compete for each pixel
            ends = sampling * gamma.cumsum(0)
            fires_in = [(noise.pixels()[0] >= ends).sum(0) for _ in range(steps_per_phase)]  # k with probability q·γ_k
            y, fired = torch.zeros_like(y), torch.zeros_like(y)
            for k in phases:
                for t in range(steps_per_phase):
                    s = x * (fires_in[t] == k)  # spikes
                    fired[k] += s
                    h = network.encoder(s[None])
                    if spiking:
                        h = (h + noise.latent(h.shape[1]) > 1).to(x.dtype)
                    y[k] += network.decoder(h)[0] / steps_per_phase  # feedback, back one cycle later
            distance = distances(fired)
        support = y * torch.exp(distance[phases].amin(0) - distance)
        group = torch.where(support.amax(0) > level, support.argmax(0), -1)
        of_phase = x * (group == torch.tensor(phases)[:, None])  # the groups, (K, P)
        of_groups = distances(of_phase)
        if switched is None and (n_objects is None or n_left > fewest):
            some, none = pixels(no_ink(of_phase), of_groups)
            for _ in range(20):  # f of largest ℓ: each pixel is set at random with probability 2f
                on, off = f * uniform / ((1 - 2 * f) * some + f * uniform), f / ((1 - 2 * f) * none + f)
                f = min(max(float(on.sum() + off.sum()) / (2 * image.size), 1e-4), 0.3)
        if n_objects is None:  # what this grouping is worth: ℓ, half of it for samples of the groups
            samples = [likelihood(no_ink(of_phase * (noise.pixels()[0] < sampling)), of_groups) for _ in range(4)]
            worth = (likelihood(no_ink(of_phase), of_groups) + sum(samples) / 4) / 2
            by_chance = -image.size * (f * np.log(f) + (1 - f) * np.log(1 - f)) if f else 0.0
            groupings.append((worth, int(of_phase.any(1).sum()), group, by_chance))
        if n_left > fewest:  # the phase without which ℓ is largest falls silent, but first those without any pixel
            whole, rest = no_ink(of_phase), ~torch.eye(n_left, dtype=torch.bool)
            without = [likelihood(whole[others], of_groups[others]) for others in rest]
            without = [ell if k in group[ink] else np.inf for k, ell in zip(phases, without)]
            y[phases.pop(int(np.argmax(without)))] = 0
    if n_objects is None:
        best, _, _, by_chance = max(groupings, key=lambda of: of[0])
        scale = max(abs(best) - by_chance, 0.0)
        _, _, group, _ = max(groupings, key=lambda of: of[0] - 0.08 * of[1] * scale)
    seen = dict.fromkeys(k for k in group[ink].tolist() if k >= 0)
    numbers = {-1: 0} | {k: number for number, k in enumerate(seen, start=1)}
    return np.array([numbers[k] if i else 0 for k, i in zip(group.tolist(), ink)]).reshape(image.shape)


def scene_loss(
    network: Any, seen: Tensor, own: Tensor, ink: Tensor, base: Tensor, foreign_ink: float, last: bool = False
) -> Tensor:
    """What learning from scenes makes small: how badly the network restores one group of a scene from a part of it.

    Parameters
    ----------
    network : nn.Module
    seen, own, ink : (P,) of 0 and 1
        What it is shown of the group, the ink of the group, and all ink of the scene.
    base : (P,)
        b, learnt with the network: the probability of ink whatever the group is.
    foreign_ink : float
        λ, weight of the ink of other groups.
    last : bool
        Whether this is the last round, in which the group alone counts.

    Returns
    -------
    () tensor
        Nats per pixel.
    """
    e = network.decoder(network.encoder(seen[None]))[0]  # probability of ink
    loss = torch.zeros((), dtype=e.dtype)
    for i in range(len(e)):
        none = (1 - e[i]) * (1 - base[i])  # probability of no ink: a noisy or of the group and what is always there
        if own[i]:
            loss -= torch.log(e[i])
        elif last:
            loss -= torch.log(1 - e[i])
        elif ink[i]:
            loss -= foreign_ink * torch.log(1 - none)
        else:
            loss -= torch.log(none)
    return loss / len(e)


def fragment(image: np.ndarray, centre: tuple[int, int], sigma: float, u: np.ndarray) -> np.ndarray:
    """The ink near a pixel of ink, by which learning from scenes begins, when nothing is known of objects.

    Parameters
    ----------
    image : (H, W) of 0 and 1
    centre : (y, x)
    sigma : float
        σ, in pixels.
    u : (H, W)
        Random numbers in [0, 1).

    Returns
    -------
    (H, W) of 0 and 1
    """
    part = np.zeros_like(image)
    for y, x in np.argwhere(image == 1):
        squared = (y - centre[0]) ** 2 + (x - centre[1]) ** 2
        part[y, x] = u[y, x] < np.exp(-squared / (2 * sigma**2))
    return part


class FreshNoise:
    """Random numbers drawn where they are needed.

    Parameters
    ----------
    delay, n_pixels : int
        d and P.
    seed : int
    normalise : bool
        Whether c of the first cycle is divided by its sum over the steps.
    """

    def __init__(self, delay: int, n_pixels: int, seed: int = 0, normalise: bool = True):
        self.shape, self.normalise = (delay, n_pixels), normalise
        self.generator = torch.Generator().manual_seed(seed)

    def initial(self) -> Tensor:
        """c of the first cycle, (d, P)."""
        c = torch.randn(self.shape, generator=self.generator).abs()
        return c / c.sum(0) if self.normalise else c

    def pixels(self) -> tuple[Tensor, Tensor, Tensor]:
        """u, B and B′, (P,) each."""
        u, coins = (torch.rand((n, self.shape[1]), generator=self.generator) for n in (1, 2))
        return u[0], coins[0] < 0.5, coins[1] < 0.5

    def latent(self, n: int) -> Tensor:
        """u of the latent neurons, (n,)."""
        return torch.rand(n, generator=self.generator)
