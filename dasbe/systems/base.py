"""What a system is: something that groups the pixels of images, with the same call for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from dasbe import checks
from dasbe.ann.network import Network, check_kind
from dasbe.errors import InputError


class Labelling(Protocol):
    """From images to labels: what the file of a system has to write."""

    def __call__(
        self,
        images: np.ndarray,
        network: Any,
        n_objects: np.ndarray,
        settings: Any,
        *,
        seed: int,
        indices: np.ndarray,
        device: torch.device,
    ) -> np.ndarray:
        """Labels (N, H, W) int64 of `images` (N, H, W) uint8, 0 and 1; arguments as of :meth:`System.segment`."""


@dataclass(frozen=True)
class System:
    """A system that groups pixels.

    Attributes
    ----------
    name : str
        As commands and files have it.
    title : str
        As readers see it.
    trained_on : str
        What its network has been trained on, in a few words.
    told : str
        What it is told about an image besides its pixels.
    sees : str
        What its network is shown.
    network : str or None
        Name of its network among the shipped ones, with ``{dataset}`` in the place of the
        dataset's name; None if it needs none.
    settings : type
        Named tuple of its settings: all that the labels depend on, besides images,
        network and seed. ``settings.published(dataset)`` are those published for a dataset.
    label : callable
        The system itself.
    """

    name: str
    title: str
    trained_on: str
    told: str
    sees: str
    network: str | None
    settings: Any
    label: Labelling

    def network_name(self, dataset: str) -> str | None:
        """Name of the shipped network that this system uses on `dataset`."""
        return self.network and self.network.format(dataset=dataset)

    def segment(
        self,
        images: np.ndarray,
        network: Network | None = None,
        *,
        settings: Any,
        n_objects: int | Sequence[int] | np.ndarray,
        seed: int = 0,
        indices: Sequence[int] | np.ndarray | None = None,
        device: torch.device | str = "cpu",
    ) -> np.ndarray:
        """Group the pixels of each image.

        Parameters
        ----------
        images : (N, H, W) array of 0 and 1
        network : nn.Module or callable, optional
            As for :func:`dasbe.bind`; a system that needs none takes no notice of it.
        settings : named tuple
            Of this system: :attr:`settings` with values, or those published for a dataset.
        n_objects : int or (N,) int
            Objects in each image, for a system that is told.
        seed : int
        indices : (N,) int, optional
            Number of the random stream of each image, by default 0 … N−1.
        device : torch.device or str

        Returns
        -------
        (N, H, W) int64
            Groups from 1; 0 = background.

        Raises
        ------
        InputError
            An argument is wrong.
        """
        images = checks.images(images)
        n = checks.numbers_of_groups("n_objects", n_objects, len(images), images[0].size, least=0)
        if self.network is not None and network is None:
            raise InputError(f"network is None, but {self.title} needs one; load it with dasbe.load_network")
        if network is not None:
            check_kind(network)
        checks.instance("settings", settings, self.settings, f"{self.settings.__module__}.Settings(…)")
        indices, device = checks.stream_indices(indices, len(images)), checks.device(device)
        return self.label(images, network, n, settings, seed=checks.seed(seed), indices=indices, device=device)
