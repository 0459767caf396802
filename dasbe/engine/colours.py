"""Grey and colour: which pixels are ground, and how well the colour of a phase explains that of each pixel.

The network sees spikes and no colours. A phase has a colour all the same, that of the
pixels that fired in it: their mean, or where objects are shaded a plane over the image,
by least squares. The ground is found before anything fires, by a single phase whose
colour goes to the commonest one (mean-shift: Comaniciu, Meer 2002). A grey image counts
as one of three equal channels.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dasbe.engine.compiled import compiled
from dasbe.engine.foreground import Foreground
from dasbe.support import checks
from dasbe.support.errors import InputError

FITS = ("none", "flat", "plane")  # of a colour: there is none, one for all pixels, a plane over the coordinates
RIDGE = (1e-3, 0.3, 0.3)  # in pixels; what has no pixels has the mean colour of the ink
ANNEALING = (5, 3.5, 2.5, 1.75, 1.25, 1, 1)  # σ in the cycles that find the ground, in units of the last
FIRST_SIGMA, LEAST_SIGMA = 0.2, 0.05  # where σ is fitted
FITTING_CYCLES = 15


class Colours(NamedTuple):
    """Colours of the pixels of N images, and what is taken for equal.

    Attributes
    ----------
    values : (N, C, …) float
        Less the mean of the ink of the image; of a grey image √3 of its values.
    basis : (N, B, …) float
        1, and for planes the coordinates, from −1 to 1.
    sigma : (N,) float
        σ, deviation of a channel from the colour of a phase.
    """

    values: Any
    basis: Any
    sigma: Any

    def of_foreground(self, block: np.ndarray, foreground: Foreground, dtype: torch.dtype) -> "Colours":
        """Tensors of the foreground pixels of the images numbered in `block`, with axis F in the place of (H, W)."""
        valid = foreground.valid[:, None].to(dtype)
        values, basis = (foreground.of_images(part[block]).to(dtype) * valid for part in (self.values, self.basis))
        return Colours(values, basis, torch.from_numpy(self.sigma[block]).to(values))

    def distances(self, spikes: Tensor, n_phases: int) -> Tensor:
        """−log N(x; μ_k, σ) but for its constant, (N, K, F), from the spikes (N, K·m, F) uint8 of the phases."""
        precision = 0.5 / self.sigma**2
        if spikes.device.type != "cpu":
            return distances(self, spikes.unflatten(1, (n_phases, -1)).sum(2), precision)
        out = torch.empty((len(spikes), n_phases, spikes.shape[2]), dtype=self.values.dtype)
        arrays = (part.numpy() for part in (self.values, self.basis, precision, spikes, out))
        _distances(*arrays, np.array(RIDGE, out.numpy().dtype))
        return out

    def uniform(self) -> Tensor:
        """Density of a colour of which nothing is known, in units of the largest of N(x; μ, σ), (N,)."""
        channels = self.values.shape[1]
        return (2 * torch.pi * self.sigma**2) ** (channels / 2) / (3 / channels) ** (channels / 2)


def distances(colours: Colours, weights: Tensor, precision: Tensor) -> Tensor:
    """Distances (N, K, F) on any device of pixels from the colours of phases, in which they have `weights` (N, K, F)."""
    values, basis, weights = colours.values, colours.basis, weights.to(colours.values)
    of_pixels = basis[:, :, None] * torch.cat([basis, values], 1)[:, None]  # (N, B, B + C, F)
    moments = torch.einsum("nkf,nbcf->nkbc", weights, of_pixels)
    n = basis.shape[1]
    gram = moments[..., :n] + torch.diag(torch.tensor(RIDGE[:n]).to(values))
    fitted = torch.einsum("nkbc,nbf->nkcf", torch.linalg.solve(gram, moments[..., n:]), basis)
    return (values[:, None] - fitted).square_().sum(2) * precision[:, None, None]


@compiled
def _distances(
    values: np.ndarray,
    basis: np.ndarray,
    precision: np.ndarray,
    spikes: np.ndarray,
    out: np.ndarray,
    ridge: np.ndarray,
) -> None:
    """:func:`distances` into `out` (N, K, F), from `spikes` (N, K·m, F)."""
    n_images, n_channels, width = values.shape
    n_basis, n_phases = basis.shape[1], out.shape[1]
    steps = spikes.shape[1] // n_phases
    fired = np.empty(width, np.int64)
    gram = np.empty((n_basis, n_basis + n_channels), values.dtype)
    for i in range(n_images):
        x, b = values[i], basis[i]
        for k in range(n_phases):
            gram[:] = 0
            for a in range(n_basis):
                gram[a, a] = ridge[a]
            for t in range(steps):
                now, n_fired = spikes[i, k * steps + t], np.uint64(0)
                for p in range(width):
                    fired[n_fired] = p  # overwritten by the next pixel unless this one fires
                    n_fired += np.uint64(now[p] != 0)
                for p in fired[:n_fired]:
                    for a in range(n_basis):
                        for c in range(n_basis):
                            gram[a, c] += b[a, p] * b[c, p]
                        for c in range(n_channels):
                            gram[a, n_basis + c] += b[a, p] * x[c, p]
            _solve(gram, n_basis)
            of_phase = out[i, k]
            of_phase[:] = 0
            for c in range(n_channels):
                for p in range(width):
                    off = x[c, p] - gram[0, n_basis + c]
                    for a in range(1, n_basis):
                        off -= gram[a, n_basis + c] * b[a, p]
                    of_phase[p] += off * off
            of_phase *= precision[i]


@compiled
def _solve(system: np.ndarray, n: int) -> None:
    """Solve a positive definite `system` (n, n + C) in place: its last columns become the solutions."""
    for a in range(n):
        system[a] /= system[a, a]
        for other in range(n):
            if other != a:
                system[other] -= system[a] * system[other, a]


def separated(images: np.ndarray, settings: Any) -> tuple[np.ndarray, Colours | None]:
    """Ink (N, H, W) uint8 of `images`, and their colours, if they take part.

    `images` are (N, H, W) uint8 of 0 and 1, or (N, H, W) or (N, 3, H, W) float from 0 to 1;
    `settings` have `ground`, `colour` and `sigma`, as of competing phases.
    """
    binary, ground, colour = images.dtype == np.uint8, settings.ground, settings.colour
    usual = "none" if binary else "flat"
    given = checks.n_axes(ground) > 0
    if not given:
        ground = usual if ground is None else checks.one_of("ground", ground, FITS)
    colour = usual if colour is None else checks.one_of("colour", colour, FITS)
    sigma = settings.sigma
    sigma = None if sigma is None else checks.number("sigma", sigma, 1e-3, 10)
    if binary and ground is colour is usual:
        return images, None
    x = images[:, None].astype(np.float64) if images.ndim == 3 else images.astype(np.float64)
    n, n_channels, height, width = x.shape
    x = (x * np.sqrt(3 / n_channels)).reshape(n, n_channels, -1)
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, side) for side in (height, width)), indexing="ij")).reshape(
        2, -1
    )
    basis = np.concatenate([np.ones_like(places[:1]), places])
    if given:
        kept = checks.images(ground, "ground")
        if kept.shape != (n, height, width):
            raise InputError(f"ground has shape {kept.shape}, but the images are {(n, height, width)}")
        ground, start = "flat", kept.reshape(n, -1).astype(float)
    elif ground == "none":
        start = (x == 0).all(1).astype(float)
    else:
        start = np.ones((n, height * width))
    is_found = not given and ground != "none"
    share, sigmas = _ground(x, basis[: 3 if ground == "plane" else 1], start, sigma, is_found)
    ink = (share < 0.5) if is_found else start == 0
    if colour == "none":
        return ink.reshape(n, height, width).astype(np.uint8), None
    x -= (x * ink[:, None]).sum(2, keepdims=True) / np.maximum(ink.sum(1), 1)[:, None, None]
    own = np.broadcast_to(basis[: 3 if colour == "plane" else 1], (n, 3 if colour == "plane" else 1, height * width))
    shaped = (part.reshape(n, -1, height, width) for part in (x, own))
    return ink.reshape(n, height, width).astype(np.uint8), Colours(*shaped, sigmas)


def _ground(
    x: np.ndarray, basis: np.ndarray, start: np.ndarray, sigma: float | None, is_found: bool
) -> tuple[np.ndarray, np.ndarray]:
    """How much each pixel is ground, (N, P), and σ (N,), from colours (N, C, P) and the ground (N, P) at the start."""
    n_channels, share = x.shape[1], start
    first = FIRST_SIGMA if sigma is None else sigma
    if is_found:
        for part in ANNEALING:
            share = np.exp(-_squared(x, basis, share) / (2 * (part * first) ** 2))
    fitted = np.full(len(x), first)
    if sigma is None:  # the ground, and anything else: a colour of which nothing is known
        flat = (3 / n_channels) ** (n_channels / 2)
        for _ in range(FITTING_CYCLES):
            squared, of_image = _squared(x, basis, share), share.mean(1)
            variance = (share * squared).sum(1) / (n_channels * np.maximum(share.sum(1), 1))
            fitted = np.maximum(np.sqrt(variance), LEAST_SIGMA)
            if is_found:
                density = np.exp(-squared / (2 * fitted[:, None] ** 2)) / (2 * np.pi * fitted[:, None] ** 2) ** (
                    n_channels / 2
                )
                own = of_image[:, None] * density
                share = own / (own + (1 - of_image[:, None]) / flat + 1e-300)
    return share, fitted


def _squared(x: np.ndarray, basis: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Squared distance (N, P) of colours (N, C, P) from the colour of the pixels that have `weights` (N, P)."""
    n, weighted = len(basis), weights[:, None] * basis
    moments = (
        weighted[:, :, None] * np.concatenate([np.broadcast_to(basis, (len(x), *basis.shape)), x], 1)[:, None]
    ).sum(3)
    gram = moments[..., :n] + np.diag(RIDGE[:n])
    coefficients = np.linalg.solve(gram, moments[..., n:])  # (N, B, C)
    fitted = (coefficients[..., None] * basis[:, None]).sum(1)
    return ((x - fitted) ** 2).sum(1)
