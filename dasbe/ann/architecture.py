"""The layers of an autoencoder, described without PyTorch, so that training recipes need none."""

import math
from dataclasses import dataclass

from dasbe.support import checks

ACTIVATIONS = ("relu", "tanh", "sigmoid", "softmax")
MOST_UNITS, MOST_LAYERS = 10**6, 100  # units of a layer, and layers


@dataclass(frozen=True)
class Architecture:
    """Layers of an autoencoder; the decoder mirrors the encoder.

    Attributes
    ----------
    image_shape : tuple of int
        (H, W) of the images.
    hidden : tuple of int
        Numbers of units of the layers between the pixels and the latent layer.
    latent : int
        Number of units of the latent layer.
    activation : str
        Activation function between the layers, one of `ACTIVATIONS`.
    latent_activation : str
        Activation function of the latent layer, one of `ACTIVATIONS`.
    spiking : bool
        Whether the latent neurons spike: with drive z they fire iff z + u > 1,
        u ~ U[0, 1).
    recurrent : bool
        Whether the code of the previous step (same phase, one cycle earlier) acts on the
        present one, for images that move.

    Raises
    ------
    InputError
        A value is wrong.
    """

    image_shape: tuple[int, int]
    hidden: tuple[int, ...]
    latent: int
    activation: str = "relu"
    latent_activation: str = "sigmoid"
    spiking: bool = False
    recurrent: bool = False

    def __post_init__(self) -> None:
        checks.instance("hidden", self.hidden, tuple, "a tuple of the units of each layer")
        checks.whole_number("number of hidden layers", len(self.hidden), 0, MOST_LAYERS)
        checks.set_fields(
            self,
            image_shape=checks.image_shape(self.image_shape),
            hidden=tuple(checks.whole_number("hidden", units, 1, MOST_UNITS) for units in self.hidden),
            latent=checks.whole_number("latent", self.latent, 1, MOST_UNITS),
            activation=checks.one_of("activation", self.activation, ACTIVATIONS),
            latent_activation=checks.one_of("latent_activation", self.latent_activation, ACTIVATIONS),
            spiking=checks.flag("spiking", self.spiking),
            recurrent=checks.flag("recurrent", self.recurrent),
        )

    def __str__(self) -> str:
        layers = (math.prod(self.image_shape), *self.hidden, self.latent)
        return "–".join(map(str, layers))
