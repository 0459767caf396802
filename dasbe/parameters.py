"""The one table of per-dataset parameters (paper, Table 1 and appendix)."""

from dataclasses import dataclass

from dasbe.errors import InputError


@dataclass(frozen=True)
class BindingParameters:
    """What the binding loop needs to know about a dataset.

    Attributes
    ----------
    delay : int
        d, steps in one cycle = delay of the feedback loop.
    refractory : int
        r, silent steps after a spike.
    image_shape : tuple of int
        (H, W), pixels.
    objects : int
        Objects in each image.
    published_ami : float
        DASBE column of the published Table 1, per cent.
    """

    delay: int
    refractory: int
    image_shape: tuple[int, int]
    objects: int
    published_ami: float


PARAMETERS = {
    "bars": BindingParameters(54, 6, (20, 20), 12, 96.5),
    "corners": BindingParameters(28, 8, (28, 28), 5, 80.6),
    "shapes": BindingParameters(32, 9, (28, 28), 3, 90.2),
    "multi_mnist": BindingParameters(29, 12, (48, 48), 3, 55.5),
    "mnist_shape": BindingParameters(29, 9, (28, 28), 2, 53.3),
}

CYCLES_TABLE = 50  # cycles of Table 1
CYCLES_FIGURES = 30  # cycles of the figures


def parameters_of(dataset: str) -> BindingParameters:
    """Parameters of `dataset`; InputError if it has none."""
    if dataset not in PARAMETERS:
        raise InputError(f"dataset '{dataset}' is unknown; choose one of {', '.join(PARAMETERS)}")
    return PARAMETERS[dataset]
