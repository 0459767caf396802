"""The one table of training recipes: what each shipped network is and how it is trained."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from dasbe.errors import InputError

if TYPE_CHECKING:
    from dasbe.ann.autoencoder import Architecture

BATCHES_PER_EPOCH = 100


@dataclass(frozen=True)
class Recipe:
    """How a denoising autoencoder is trained, on images of single objects only.

    Attributes
    ----------
    dataset : str
        Where it is to bind.
    splits : tuple of str
        Groups of the dataset to train on, split 90/10 into training and validation.
    hidden, latent, activation, latent_activation, spiking, recurrent
        See :class:`dasbe.ann.autoencoder.Architecture`.
    corruption : (low, high)
        Every image draws p ∈ U(low, high); each of its pixels is switched off with
        probability p.
    occlusion : float
        Probability with which all on one side of a line is erased as well
        (:func:`dasbe.train.corruption.occlude`).
    walkback : int
        How often an image goes round the loop before it is learnt from: the network
        restores the corrupted image, each pixel of the object fires with the
        probability this gives it, and some of those are switched off again. So the
        network learns to mend what it will meet in the loop, its own feedback
        (walkback training; Bengio, Yao, Alain, Vincent 2013, arXiv 1305.6663).
    ink_weight : float
        How much a pixel of the object counts in the loss; a background pixel counts 1.
        Above 1 the network gives more feedback where it is in doubt.
    latent_silence : float
        Each image silences a part U(0, latent_silence) of its latent neurons: in the
        loop those that have just fired are refractory, which training would not know.
    output_shift : float
        Added to the drive of every output once training is over: the odds of its firing
        rise by a factor e^shift, so the network gives more feedback than it learnt to.
    half_precision : bool
        Whether the trained weights are rounded to half precision: half the file.
    contrast : float
        Weight of :func:`dasbe.train.denoising.contrast_loss`, which makes the latent
        codes of images of one split alike, and those of different splits unlike.
    window : int
        0: the network restores still images. Otherwise it is shown sequences of this
        many frames and predicts the next frame of each
        (:mod:`dasbe.train.prediction`).
    batch : int
        Images, or sequences, a batch.
    learning_rate : float
        Of Adam at the start; it falls to 0 along a cosine over all epochs.
    epochs : int
        One epoch = `BATCHES_PER_EPOCH` batches drawn with replacement.
    patience : int
        Training ends after this many epochs without a lower validation loss.
    seed : int
    judge : str
        What the network is for, by which it is scored: a system of
        :data:`dasbe.systems.SYSTEMS`, or ``"moving"`` (:mod:`dasbe.train.judges`).
    """

    dataset: str
    hidden: tuple[int, ...]
    latent: int
    corruption: tuple[float, float]
    epochs: int
    occlusion: float = 0.0
    walkback: int = 0
    ink_weight: float = 1.0
    latent_silence: float = 0.0
    output_shift: float = 0.0
    half_precision: bool = False
    contrast: float = 0.0
    splits: tuple[str, ...] = ("train_single",)
    batch: int = 256
    learning_rate: float = 1e-2
    patience: int = 40
    seed: int = 1
    activation: str = "relu"
    latent_activation: str = "sigmoid"
    spiking: bool = False
    recurrent: bool = False
    window: int = 0
    judge: str = "dasbe"

    def architecture(self, image_shape: tuple[int, int]) -> "Architecture":
        """The network that this recipe trains, for images of `image_shape` (H, W)."""
        from dasbe.ann.autoencoder import Architecture  # here, since commands read the table without PyTorch

        kinds = (self.activation, self.latent_activation, self.spiking, self.recurrent)
        return Architecture(image_shape, self.hidden, self.latent, *kinds)

    @classmethod
    def from_dict(cls, fields: dict) -> "Recipe":
        """Recipe from :meth:`as_dict`; fields that did not exist when it was saved have their default."""
        from dasbe.storage import tuples  # here, since commands read the table without PyTorch

        return cls(**tuples(fields))

    def as_dict(self) -> dict:
        """All fields, tuples as lists, as they come back from JSON."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def _for_rc(dataset: str, latent: int, latent_activation: str, epochs: int = 60) -> Recipe:
    """A network for Reconstruction Clustering: as little noise, and latent layers as wide, as in Greff et al. 2015."""
    return Recipe(
        dataset,
        hidden=(),
        latent=latent,
        corruption=(0.0, 0.4),
        epochs=epochs,
        learning_rate=3e-3,
        latent_activation=latent_activation,
        judge="rc",
    )


RECIPES = {
    "bars": Recipe("bars", hidden=(), latent=256, corruption=(0.6, 0.8), epochs=60, learning_rate=1e-3),
    "corners": Recipe("corners", hidden=(), latent=256, corruption=(0.2, 0.7), epochs=80, ink_weight=2.5),
    "shapes": Recipe("shapes", hidden=(), latent=400, corruption=(0.3, 0.6), epochs=80, occlusion=0.5),
    "mnist_shape": Recipe("mnist_shape", hidden=(), latent=700, corruption=(0.6, 0.9), epochs=45, walkback=2),
    "multi_mnist": Recipe(
        "multi_mnist",
        hidden=(),
        latent=900,
        corruption=(0.6, 0.9),
        epochs=40,
        walkback=2,
        latent_silence=0.5,
        output_shift=1.5,
        half_precision=True,
        latent_activation="relu",
        spiking=True,
    ),
    "hierarchical": Recipe(
        "shapes",
        hidden=(600, 400, 350),
        latent=1600,
        corruption=(0.3, 0.6),
        epochs=60,
        occlusion=0.5,
        latent_silence=0.9,
        contrast=0.3,
        splits=("train_single_0", "train_single_1", "train_single_2"),
        batch=384,
        learning_rate=2e-3,
        latent_activation="relu",
        spiking=True,
    ),
    "moving": Recipe(
        "moving_shapes_train",
        hidden=(600,),
        latent=300,
        corruption=(0.5, 0.5),
        epochs=60,
        window=20,
        recurrent=True,
        batch=32,
        learning_rate=1e-3,
        judge="moving",
    ),
    "rc_bars": _for_rc("bars", 100, "sigmoid"),
    "rc_corners": _for_rc("corners", 100, "relu"),
    "rc_shapes": _for_rc("shapes", 500, "tanh"),
    "rc_mnist_shape": _for_rc("mnist_shape", 250, "sigmoid"),
    "rc_multi_mnist": _for_rc("multi_mnist", 500, "sigmoid", epochs=30),
}


def training_recipe(name: str) -> Recipe:
    """Recipe of network `name`; InputError if there is none."""
    if name not in RECIPES:
        raise InputError(f"network '{name}' has no recipe; choose some of {', '.join(RECIPES)}")
    return RECIPES[name]
