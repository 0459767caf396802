"""Training recipes: the layers of a network and the settings of its training; those of the shipped networks."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from dasbe.ann.architecture import Architecture
from dasbe.support import checks
from dasbe.support.errors import InputError
from dasbe.support.storage import tuples

if TYPE_CHECKING:
    from typing_extensions import Self  # that of typing is new in Python 3.11

BATCHES_PER_EPOCH = 100
OPTIMISERS = ("adam", "sgd")
MOST = 10**6  # epochs, images a batch, rounds of the loop, …
LATENT = (64, 1000)  # least and largest number of latent units, where a recipe leaves them to the images


@dataclass(frozen=True)
class Saved:
    """Fields that go to JSON and come back."""

    @classmethod
    def from_dict(cls, fields: dict) -> "Self":
        """Recipe from :meth:`as_dict`; fields that did not exist when it was saved have their default."""
        return cls(**tuples(fields))

    def as_dict(self) -> dict:
        """All fields, tuples as lists, as they come back from JSON."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Recipe(Saved):
    """How a denoising autoencoder is trained, on images of single objects only.

    The defaults are for images of which nothing is known; what to change first is
    `corruption` (higher where an object is known by a few of its pixels), `walkback`
    (2 for objects of which no two are alike, such as digits; harmful for fixed shapes)
    and `epochs`.

    Attributes
    ----------
    dataset, splits, judge : str, tuple of str, str
        For the networks that come with the repository: the dataset, its groups of images
        for training, and the judge of the network (a system of :data:`dasbe.systems.SYSTEMS`,
        or ``"moving"``). :func:`dasbe.train_network`, which is given images, ignores them.
    hidden, activation, latent_activation, spiking, recurrent
        See :class:`dasbe.ann.architecture.Architecture`.
    latent : int or None
        Units of the latent layer. None: half as many as there are pixels, but at least
        and at most `LATENT`.
    corruption : (low, high)
        Every image draws p ∈ U(low, high); each of its pixels is switched off with
        probability p.
    salt : float
        Share of those pixels that is switched on instead, wherever they lie.
    occlusion : float
        Probability with which one side of a line is erased as well
        (:func:`dasbe.train.corruption.occlude`).
    walkback : int
        Rounds of the loop before an image is learnt from: the network restores the
        corrupted image, each pixel of the object fires with the probability in the
        reconstruction, and some of those are switched off again. So the network learns to
        mend its own feedback, as it will meet it in the loop
        (walkback training; Bengio, Yao, Alain, Vincent 2013, arXiv 1305.6663).
    ink_weight : float
        Weight of a pixel of the object in the loss; that of a background pixel is 1.
        Above 1 the network gives more feedback where it is in doubt.
    latent_silence : float
        Each image silences a share U(0, latent_silence) of its latent neurons, since in
        the loop those that have just fired are refractory.
    output_shift : float
        Number added to the drive of every output after training: the odds of firing rise
        by a factor e^shift, so the network gives more feedback than it has learnt.
    half_precision : bool
        Whether the trained weights are rounded to half precision, which halves the file.
    contrast : float
        Weight of :func:`dasbe.train.denoising.contrast_loss`, which makes the latent
        codes of images of one split alike, and those of different splits unlike.
    window : int
        0: the network restores still images. Otherwise it is shown windows of so many
        frames of a film and predicts each next frame
        (:func:`dasbe.train.denoising.prediction_loss`).
    batch : int
        Images, or windows, in a batch.
    optimiser : {"adam", "sgd"}
        Adam, or stochastic gradient descent without momentum.
    learning_rate : float
        For Adam the rate at the start, from which it falls to 0 along a cosine over all
        epochs. For stochastic gradient descent the constant rate, for the sum of the loss
        over the pixels, not its mean.
    epochs : int
        One epoch = `BATCHES_PER_EPOCH` batches drawn with replacement.
    patience : int
        Training ends after this many epochs without a lower validation loss.
    seed : int

    Raises
    ------
    InputError
        A field is wrong, or has no effect beside another.

    Examples
    --------
    >>> import dasbe
    >>> recipe = dasbe.Recipe(hidden=(512,), latent=400, corruption=(0.4, 0.6), epochs=20)
    >>> print(recipe.architecture((28, 28)))
    784–512–400
    """

    dataset: str = ""
    hidden: tuple[int, ...] = ()
    latent: int | None = None
    corruption: tuple[float, float] = (0.3, 0.8)
    epochs: int = 60
    occlusion: float = 0.0
    salt: float = 0.0
    walkback: int = 0
    ink_weight: float = 1.0
    latent_silence: float = 0.0
    output_shift: float = 0.0
    half_precision: bool = False
    contrast: float = 0.0
    splits: tuple[str, ...] = ("train_single",)
    batch: int = 256
    optimiser: str = "adam"
    learning_rate: float = 1e-2
    patience: int = 40
    seed: int = 1
    activation: str = "relu"
    latent_activation: str = "sigmoid"
    spiking: bool = False
    recurrent: bool = False
    window: int = 0
    judge: str = "dasbe"

    def __post_init__(self) -> None:
        layers = self.architecture((1, 1))  # which checks the fields that it has
        checks.set_fields(self, **{field: getattr(layers, field) for field in OF_LAYERS if field != "latent"})
        checks.set_fields(
            self,
            dataset=checks.instance("dataset", self.dataset, str, "the name of a dataset"),
            latent=None if self.latent is None else layers.latent,
            corruption=_pair("corruption", self.corruption, checks.probability, "two probabilities"),
            epochs=checks.whole_number("epochs", self.epochs, 1, MOST),
            occlusion=checks.probability("occlusion", self.occlusion),
            salt=checks.probability("salt", self.salt),
            walkback=checks.whole_number("walkback", self.walkback, 0, MOST),
            ink_weight=checks.number("ink_weight", self.ink_weight, 0),
            latent_silence=checks.probability("latent_silence", self.latent_silence),
            output_shift=checks.number("output_shift", self.output_shift),
            half_precision=checks.flag("half_precision", self.half_precision),
            contrast=checks.number("contrast", self.contrast, 0),
            splits=_names("splits", self.splits),
            batch=checks.whole_number("batch", self.batch, 1, MOST),
            optimiser=checks.one_of("optimiser", self.optimiser, OPTIMISERS),
            learning_rate=_above_0("learning_rate", self.learning_rate),
            patience=checks.whole_number("patience", self.patience, 1, MOST),
            seed=checks.seed(self.seed),
            window=checks.whole_number("window", self.window, 0, MOST),
            judge=checks.instance("judge", self.judge, str, "the name of a system, or moving"),
        )
        if self.window == 1 or self.recurrent != bool(self.window):
            raise InputError(
                f"window is {self.window} and recurrent is {self.recurrent}; a recurrent network is trained on windows "
                "of at least 2 frames, any other on still images (window 0)"
            )
        defaults = {field.name: field.default for field in fields(self)}
        idle = [field for field in NOT_PREDICTED if getattr(self, field) != defaults[field]]
        if self.window and idle:
            raise InputError(f"recipe has window and {idle[0]}, which is for still images; leave one of them out")

    def architecture(self, image_shape: tuple[int, int]) -> Architecture:
        """The network that this recipe trains, for images of `image_shape` (H, W)."""
        latent = min(max(math.prod(image_shape) // 2, LATENT[0]), LATENT[1]) if self.latent is None else self.latent
        kinds = (self.activation, self.latent_activation, self.spiking, self.recurrent)
        return Architecture(image_shape, self.hidden, latent, *kinds)


@dataclass(frozen=True)
class SceneRecipe(Saved):
    """How a network learns from scenes of several objects (:func:`dasbe.learn_from_scenes`).

    The defaults are for scenes of which nothing is known; what to change first is
    `n_phases`, if there can be more than five objects, `fragment` (the radius of a piece
    that surely belongs together, in pixels), and `rounds`.

    Attributes
    ----------
    dataset, hidden, latent, half_precision, activation, latent_activation
        As of :class:`Recipe`.
    n_phases : int
        K₀, phases that share a scene at first: more than there are objects, by about three.
    fragment : (low, high)
        σ of the fragments of the first round, in pixels; each draws its own.
    first_steps : int
        Steps of learning from fragments. Few: a network that learns from them for long learns
        that objects are small.
    rounds : int
        Rounds of grouping and learning after that.
    steps, last_steps : int
        Steps of learning in a round, and in the last one (by default as many).
    scenes_a_round : int
        Scenes that are grouped in a round; it learns from them and from those of the round before.
    fewest_phases : int, optional
        Fewest phases that are left of a scene in the rounds before it is counted: for each scene
        a number between this and `n_phases` is drawn. By default all stay, and surplus ones get
        few pixels by themselves; with few, objects of which no two are alike, such as digits,
        come in fewer pieces.
    counting_from : int
        Round from which on the number of groups of a scene is found, by their worth.
    corruption : (low, high)
        Of a group, the network sees all pixels but a share p ∈ U(low, high).
    walkback : int
        As of :class:`Recipe`, from the second round on: 2 for digits, of which no two are alike.
    foreign_ink : float
        λ, weight of the ink of other groups in the loss. Below 1, for what is a part of the
        same object is ink as well. In the first round it is 1; in the last, this ink is to be absent.
    least_pixels : int
        Groups of fewer pixels are not learnt from.
    batch : int
    learning_rate : float
        Of Adam, at the start of every round, in which it falls to 0 along a cosine.
    seed : int

    Raises
    ------
    InputError
        A field is wrong.

    Examples
    --------
    >>> import dasbe
    >>> print(dasbe.SceneRecipe(latent=400, rounds=4).architecture((28, 28)))
    784–400
    """

    dataset: str = ""
    hidden: tuple[int, ...] = ()
    latent: int | None = None
    n_phases: int = 8
    fewest_phases: int | None = None
    fragment: tuple[float, float] = (1.5, 3.0)
    first_steps: int = 500
    rounds: int = 8
    steps: int = 700
    last_steps: int | None = None
    scenes_a_round: int = 2500
    counting_from: int = 5
    corruption: tuple[float, float] = (0.3, 0.9)
    walkback: int = 0
    foreign_ink: float = 0.3
    least_pixels: int = 4
    batch: int = 200
    learning_rate: float = 6e-3
    half_precision: bool = False
    seed: int = 1
    activation: str = "relu"
    latent_activation: str = "sigmoid"

    def __post_init__(self) -> None:
        self.architecture((1, 1))  # which checks the fields that it has
        least = {"n_phases": 2, "counting_from": 1, "rounds": 0, "walkback": 0}
        counts = [
            "n_phases",
            "first_steps",
            "rounds",
            "steps",
            "scenes_a_round",
            "counting_from",
            "walkback",
            "least_pixels",
            "batch",
        ]
        counts += [name for name in ("fewest_phases", "last_steps") if getattr(self, name) is not None]
        checks.set_fields(
            self,
            **{name: checks.whole_number(name, getattr(self, name), least.get(name, 1), MOST) for name in counts},
            fragment=_pair("fragment", self.fragment, _above_0, "two numbers of pixels"),
            corruption=_pair("corruption", self.corruption, checks.probability, "two probabilities"),
            dataset=checks.instance("dataset", self.dataset, str, "the name of a dataset"),
            foreign_ink=checks.probability("foreign_ink", self.foreign_ink),
            half_precision=checks.flag("half_precision", self.half_precision),
            learning_rate=_above_0("learning_rate", self.learning_rate),
            seed=checks.seed(self.seed),
        )
        if (self.fewest_phases or 0) > self.n_phases:
            raise InputError(f"fewest_phases is {self.fewest_phases}, but n_phases is {self.n_phases}; take fewer")

    def steps_of(self, stage: int) -> int:
        """Steps of learning in round `stage`; 0 is that of the fragments."""
        last = self.steps if self.last_steps is None else self.last_steps
        return self.first_steps if stage == 0 else last if stage == self.rounds else self.steps

    def architecture(self, image_shape: tuple[int, int]) -> Architecture:
        """The network that learns, for images of `image_shape` (H, W)."""
        return self.of_single_objects().architecture(image_shape)

    def of_single_objects(self) -> Recipe:
        """The recipe of a network of the same layers and seed, shown groups as that of single objects is shown them."""
        layers = ("hidden", "latent", "activation", "latent_activation")
        return Recipe(**{name: getattr(self, name) for name in (*layers, "corruption", "walkback", "seed")})


OF_LAYERS = tuple(field.name for field in fields(Architecture) if field.name != "image_shape")
"""Fields of the layers of a network."""
NOT_PREDICTED = ("salt", "occlusion", "walkback", "ink_weight", "latent_silence", "contrast", "spiking")
"""Fields for still images, without a meaning for a network that predicts."""


def _pair(name: str, value: object, check: Callable[[str, Any], float], kind: str) -> tuple[float, float]:
    """(low, high), low ≤ high, each of which `check` takes."""
    try:
        low, high = (check(name, number) for number in (value if isinstance(value, (tuple, list)) else ()))
    except ValueError:
        low, high = 1.0, 0.0
    if low > high:
        raise InputError(f"{name} is {checks.shown(value)}; it must be (low, high), {kind}, the lower one first")
    return low, high


def _above_0(name: str, value: object) -> float:
    number = checks.number(name, value, 0)
    if not number:
        raise InputError(f"{name} is 0; it must be above 0")
    return number


def _names(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, tuple) or not value or not all(isinstance(item, str) for item in value):
        raise InputError(f"{name} is {checks.shown(value)}; it must be a tuple of names")
    return value


def _for_rc(dataset: str, latent: int, latent_activation: str, **others: Any) -> Recipe:
    """A network for Reconstruction Clustering: one hidden layer, as its authors had it (Greff et al. 2015)."""
    layers: dict[str, Any] = {"latent": latent, "latent_activation": latent_activation}
    return Recipe(dataset=dataset, half_precision=True, judge="rc_own", **layers, **others)


def _salt_and_pepper(p: float, optimiser: str, learning_rate: float, epochs: int) -> dict[str, Any]:
    """Training as by RC's authors: with probability p, a pixel is replaced by 0 or 1 at random; batches of 100."""
    rates = {"optimiser": optimiser, "learning_rate": learning_rate}
    return {"corruption": (p, p), "salt": 0.5, "batch": 100, "epochs": epochs, "patience": epochs, **rates}


RECIPES = {
    "bars": Recipe(dataset="bars", latent=256, corruption=(0.6, 0.8), epochs=60, learning_rate=1e-3),
    "corners": Recipe(dataset="corners", latent=256, corruption=(0.2, 0.7), epochs=80, ink_weight=2.5),
    "shapes": Recipe(dataset="shapes", latent=400, corruption=(0.3, 0.6), epochs=80, occlusion=0.5),
    "mnist_shape": Recipe(dataset="mnist_shape", latent=700, corruption=(0.6, 0.9), epochs=45, walkback=2),
    "multi_mnist": Recipe(
        dataset="multi_mnist",
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
        dataset="shapes",
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
        dataset="moving_shapes_train",
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
    "rc_bars": _for_rc("bars", 100, "sigmoid", corruption=(0.0, 0.4), epochs=60, learning_rate=3e-3),
    "rc_corners": _for_rc("corners", 100, "relu", corruption=(0.0, 0.4), epochs=60, learning_rate=3e-3),
    "rc_shapes": _for_rc("shapes", 500, "tanh", **_salt_and_pepper(0.4, "sgd", 0.0831, 216)),
    "rc_mnist_shape": _for_rc("mnist_shape", 250, "sigmoid", **_salt_and_pepper(0.6, "sgd", 0.0317, 72)),
    "rc_multi_mnist": _for_rc("multi_mnist", 1000, "relu", **_salt_and_pepper(0.6, "adam", 1e-3, 12)),
}


def _from_scenes(dataset: str, **others: Any) -> SceneRecipe:
    """A network that learns from scenes, K₀ = K + 3, constants settled on images of ``test``."""
    return SceneRecipe(dataset, half_precision=True, **others)


SCENE_RECIPES = {
    "scenes_bars": _from_scenes(
        "bars", latent=256, n_phases=15, fragment=(1.0, 3.0), first_steps=1500, rounds=6, steps=600, learning_rate=3e-3
    ),
    "scenes_corners": _from_scenes("corners", latent=256, n_phases=8, fragment=(1.0, 2.0)),
    "scenes_shapes": _from_scenes("shapes", latent=400, n_phases=6),
    "scenes_mnist_shape": _from_scenes(
        "mnist_shape",
        latent=700,
        n_phases=5,
        fewest_phases=2,
        rounds=14,
        steps=1000,
        last_steps=6000,
        scenes_a_round=4000,
        counting_from=9,
        corruption=(0.5, 0.9),
    ),
    "scenes_multi_mnist": _from_scenes(
        "multi_mnist",
        latent=400,
        n_phases=6,
        fewest_phases=3,
        fragment=(2.0, 4.0),
        first_steps=800,
        rounds=4,
        steps=500,
        counting_from=3,
        corruption=(0.4, 0.9),
        walkback=2,
        learning_rate=4e-3,
    ),
}


def training_recipe(name: str) -> Recipe | SceneRecipe:
    """Recipe of network `name`; InputError if there is none."""
    recipes: dict[str, Any] = {**RECIPES, **SCENE_RECIPES}
    if name not in recipes:
        raise InputError(f"network '{name}' has no recipe; choose some of {', '.join(recipes)}")
    return recipes[name]
