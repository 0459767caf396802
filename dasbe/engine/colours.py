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

FITS = ("none", "flat", "plane")  # of a colour: there is none, one for all pixels, a plane over the coordinates
RIDGE = (1e-3, 0.3, 0.3)  # in pixels; what has no pixels has the mean colour of the ink
ANNEALING = (5, 3.5, 2.5, 1.75, 1.25, 1, 1)  # σ in the cycles that find the ground, in units of the last
FIRST_SIGMA, LEAST_SIGMA, LEAST_OF_PHASES = 0.2, 0.05, 0.15  # where σ is found; with a smaller one phases lock in
FITTING_CYCLES = 15


class Colours(NamedTuple):
    """Colours of the pixels of N images, and what is taken for equal.

    Attributes
    ----------
    values : (N, C, H, W) float64, or (N, C, F) tensor of the foreground, less the mean of its pixels
        Those of a grey image are multiplied by √3.
    basis : (B, H, W) float64, or (N, B, F) tensor
        1, and for planes the coordinates, from −1 to 1.
    sigma : (N,) float
        σ, deviation of a channel from the colour of a phase.
    """

    values: Any
    basis: Any
    sigma: Any

    @classmethod
    def of(cls, images: np.ndarray, kind: str, sigma: float | np.ndarray) -> "Colours":
        """Colours of `images` (N, H, W) or (N, 3, H, W), of which phases have a `kind` of :data:`FITS`."""
        height, width = images.shape[-2:]
        values = images.reshape(len(images), -1, height, width).astype(np.float64)
        ramps = np.meshgrid(*(np.linspace(-1, 1, side) for side in (height, width)), indexing="ij")
        basis = np.stack([np.ones((height, width)), *ramps][: 3 if kind == "plane" else 1])
        return cls(values * np.sqrt(3 / values.shape[1]), basis, np.broadcast_to(sigma, len(images)))

    def of_chosen(self, block: np.ndarray) -> "Colours":
        """The same of the images numbered in `block`."""
        return self._replace(values=self.values[block], sigma=self.sigma[block])

    def of_foreground(self, foreground: Foreground, dtype: torch.dtype) -> "Colours":
        """Tensors of these images, whose `foreground` it is."""
        valid, of_all = foreground.valid[:, None], np.repeat(self.basis[None], len(self.values), 0)
        x, basis = (foreground.of_images(part) * valid for part in (self.values, of_all))
        x = (x - x.sum(2, keepdim=True) / valid.sum(2, keepdim=True).clamp(min=1)) * valid
        return Colours(x.to(dtype), basis.to(dtype), torch.from_numpy(self.sigma.copy()).to(x.device, dtype))

    def distances(self, spikes: Tensor, n_phases: int) -> Tensor:
        """−log N(x; μ_k, σ) but for its constant, (N, K, F), from the spikes (N, K·m, F) uint8 of the phases."""
        precision = 0.5 / self.sigma**2
        if spikes.device.type != "cpu":
            return distances(self, spikes.unflatten(1, (n_phases, -1)).sum(2), precision)
        out = torch.empty((len(spikes), n_phases, spikes.shape[2]), dtype=self.values.dtype)
        ridge = torch.tensor(RIDGE).to(out)
        arrays = [part.numpy() for part in (self.values, self.basis, precision, spikes, ridge, out)]
        _distances(*arrays)
        return out

    def uniform(self) -> Tensor:
        """Density of a colour of which nothing is known, in units of the largest of N(x; μ, σ), (N,)."""
        channels = self.values.shape[1]
        return (2 * torch.pi * self.sigma**2 * channels / 3) ** (channels / 2)


def distances(colours: Colours, weights: Tensor, precision: Tensor) -> Tensor:
    """Distances (N, K, F) on any device of pixels from the colours of phases, to which `weights` (N, K, F) belong."""
    values, basis, weights = colours.values, colours.basis, weights.to(colours.values)
    of_pixels = basis[:, :, None] * torch.cat([basis, values], 1)[:, None]  # (N, B, B + C, F)
    moments = torch.einsum("nkf,nbcf->nkbc", weights, of_pixels)
    n = basis.shape[1]
    gram = moments[..., :n] + torch.diag(torch.tensor(RIDGE[:n]).to(values))
    fitted = torch.einsum("nkbc,nbf->nkcf", torch.linalg.solve(gram, moments[..., n:]), basis)
    return (values[:, None] - fitted).square_().sum(2) * precision[:, None, None]


def likelihoods(distances: Tensor) -> Tensor:
    """N(x; μ_k, σ) of each phase in units of the largest, (N, K, F), from its :func:`distances`."""
    return torch.exp(distances.amin(1, keepdim=True) - distances)


@compiled
def _distances(
    values: np.ndarray,
    basis: np.ndarray,
    precision: np.ndarray,
    spikes: np.ndarray,
    ridge: np.ndarray,
    out: np.ndarray,
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


def separated(
    images: np.ndarray, ground: Any, colour: str | None, sigma: float | None
) -> tuple[np.ndarray, Colours | None]:
    """Ink (N, H, W) uint8 of `images`, and the colours of all pixels if they take part.

    Images are (N, H, W) uint8 of 0 and 1, or (N, H, W) or (N, 3, H, W) float from 0 to 1;
    for the rest see :class:`dasbe.systems.competing_phases.Settings`.
    """
    usual, is_given = "none" if images.dtype == np.uint8 else "flat", checks.n_axes(ground) == 3
    kind = "none" if is_given else checks.one_of("ground", usual if ground is None else ground, FITS)
    colour = checks.one_of("colour", usual if colour is None else colour, FITS)
    sigma = None if sigma is None else checks.number("sigma", sigma, LEAST_SIGMA / 10)
    if (usual, kind, colour, is_given) == ("none", "none", "none", False):
        return images, None
    coloured = Colours.of(images, colour, FIRST_SIGMA if sigma is None else sigma)
    x, shape = coloured.values.reshape(*coloured.values.shape[:2], -1), (len(images), *images.shape[-2:])
    if kind != "none":
        found, sigmas = find_ground(x, Colours.of(images[:1], kind, 1).basis.reshape(-1, x.shape[2]), sigma)
    else:
        found, sigmas = ~x.any(1), coloured.sigma
        if is_given:
            known = checks.images(ground, "ground")
            checks.same_shape(ground=known, images=np.broadcast_to(0, shape))
            found = known.reshape(found.shape) == 1
        if sigma is None:
            squared = squared_distances(x, np.ones_like(x[0, :1]), found.astype(float))
            sigmas = _deviation(squared, found, x.shape[1])
    if sigma is None:
        coloured = coloured._replace(sigma=np.maximum(sigmas, LEAST_OF_PHASES))
    return (~found).reshape(shape).astype(np.uint8), None if colour == "none" else coloured


def find_ground(x: np.ndarray, basis: np.ndarray, sigma: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Ground, (N, P) bool: what has the commonest of the colours (N, C, P); and σ (N,), found if it is None.

    A single phase has the colour of the pixels that it keeps, over `basis` (B, P), and keeps
    those of its colour. Where σ is to be found, they compete with a colour of which nothing is known.
    """
    (n, n_channels, _), share, last = x.shape, np.ones(x[:, 0].shape), FIRST_SIGMA if sigma is None else sigma
    for part in ANNEALING:
        share = np.exp(-squared_distances(x, basis, share) / (2 * (part * last) ** 2))
    found = np.full(n, last)
    for _ in range(FITTING_CYCLES if sigma is None else 0):
        squared, part = squared_distances(x, basis, share), share.mean(1, keepdims=True)
        found = _deviation(squared, share, n_channels)
        variance = found[:, None] ** 2
        own = part * np.exp(-squared / (2 * variance)) / (2 * np.pi * variance) ** (n_channels / 2)
        share = own / (own + (1 - part) * (n_channels / 3) ** (n_channels / 2)).clip(1e-300)
    return share >= 0.5, found


def _deviation(squared: np.ndarray, share: np.ndarray, n_channels: int) -> np.ndarray:
    """σ (N,) of pixels with `squared` distances and shares (N, P)."""
    variance = (share * squared).sum(1) / (n_channels * np.maximum(share.sum(1), 1))
    return np.maximum(np.sqrt(variance), LEAST_SIGMA)


def squared_distances(x: np.ndarray, basis: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Squared distances (N, P) of colours (N, C, P) from that of the pixels with `weights` (N, P), over `basis` (B, P).

    Each image is summed by itself, so that it does not matter which are computed together.
    """
    n, weighted = len(basis), weights[:, None] * basis
    both = np.concatenate([np.broadcast_to(basis, (len(x), *basis.shape)), x], 1)
    moments = (weighted[:, :, None] * both[:, None]).sum(3)  # (N, B, B + C)
    coefficients = np.linalg.solve(moments[..., :n] + np.diag(RIDGE[:n]), moments[..., n:])
    return ((x - (coefficients[..., None] * basis[:, None]).sum(1)) ** 2).sum(1)
