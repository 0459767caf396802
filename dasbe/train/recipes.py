"""The one table of training recipes: what each shipped network is and how it is trained."""

from typing import Any

from dasbe.support.errors import InputError
from dasbe.train.recipe import Recipe


def _for_rc(dataset: str, latent: int, latent_activation: str, **others: Any) -> Recipe:
    """A network for Reconstruction Clustering: one hidden layer, as its authors had it (Greff et al. 2015)."""
    return Recipe(
        dataset=dataset,
        hidden=(),
        latent=latent,
        latent_activation=latent_activation,
        half_precision=True,
        judge="rc_own",
        **others,
    )


def _salt_and_pepper(p: float, optimiser: str, learning_rate: float, epochs: int) -> dict[str, Any]:
    """Training as by RC's authors: with probability p, a pixel is replaced by 0 or 1 at random; batches of 100."""
    rates = {"optimiser": optimiser, "learning_rate": learning_rate}
    return {"corruption": (p, p), "salt": 0.5, "batch": 100, "epochs": epochs, "patience": epochs, **rates}


RECIPES = {
    "bars": Recipe(dataset="bars", hidden=(), latent=256, corruption=(0.6, 0.8), epochs=60, learning_rate=1e-3),
    "corners": Recipe(dataset="corners", hidden=(), latent=256, corruption=(0.2, 0.7), epochs=80, ink_weight=2.5),
    "shapes": Recipe(dataset="shapes", hidden=(), latent=400, corruption=(0.3, 0.6), epochs=80, occlusion=0.5),
    "mnist_shape": Recipe(dataset="mnist_shape", hidden=(), latent=700, corruption=(0.6, 0.9), epochs=45, walkback=2),
    "multi_mnist": Recipe(
        dataset="multi_mnist",
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


def training_recipe(name: str) -> Recipe:
    """Recipe of network `name`; InputError if there is none."""
    if name not in RECIPES:
        raise InputError(f"network '{name}' has no recipe; choose some of {', '.join(RECIPES)}")
    return RECIPES[name]
