"""The one table of per-dataset parameters (paper, Table 1 and appendix), and the published Table 1."""

from dataclasses import dataclass

from dasbe.errors import InputError
from dasbe.snn.pulse_coupled import PulseCoupledParameters


@dataclass(frozen=True)
class BindingParameters:
    """What the binding loop, and the systems it is compared with, need to know about a dataset.

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
    published : dict
        Rows of the published Table 1: AMI in per cent, (mean, standard deviation over
        seeds), the latter None for Reconstruction Clustering (Greff et al. 2015).
    pulse_coupled : PulseCoupledParameters
        Of the pure-SNN system.
    """

    delay: int
    refractory: int
    image_shape: tuple[int, int]
    objects: int
    published: dict[str, tuple[float, float | None]]
    pulse_coupled: PulseCoupledParameters = PulseCoupledParameters(threshold_jump=10, threshold_decay=6)

    @property
    def published_ami(self) -> float:
        """DASBE column of the published Table 1, per cent."""
        return self.published["dasbe"][0]


def _published(dasbe: tuple, pure_ann: tuple, pure_snn: tuple, rc: float) -> dict[str, tuple[float, float | None]]:
    return {"dasbe": dasbe, "pure_ann": pure_ann, "pure_snn": pure_snn, "rc_own": (rc, None)}


PARAMETERS = {
    "bars": BindingParameters(54, 6, (20, 20), 12, _published((96.5, 0.03), (9.6, 0.04), (9.3, 0.04), 95.2)),
    "shapes": BindingParameters(
        32,
        9,
        (28, 28),
        3,
        _published((90.2, 0.07), (47.5, 0.04), (44.7, 0.15), 92.9),
        PulseCoupledParameters(threshold_jump=6, threshold_decay=8),
    ),
    "corners": BindingParameters(28, 8, (28, 28), 5, _published((80.6, 0.08), (54.2, 0.15), (28.5, 0.08), 85.4)),
    "multi_mnist": BindingParameters(29, 12, (48, 48), 3, _published((55.5, 0.06), (43.0, 0.08), (23.0, 0.11), 65.2)),
    "mnist_shape": BindingParameters(29, 9, (28, 28), 2, _published((53.3, 0.26), (38.3, 0.03), (12.9, 0.08), 54.6)),
}

CYCLES_TABLE = 50  # cycles of Table 1
CYCLES_FIGURES = 30  # cycles of the figures
SEEDS_TABLE = (111, 222, 333, 444, 555)
IMAGES_TABLE = 6000  # the first ones of train_multi


def parameters_of(dataset: str) -> BindingParameters:
    """Parameters of `dataset`; InputError if it has none."""
    if dataset not in PARAMETERS:
        raise InputError(f"dataset '{dataset}' is unknown; choose one of {', '.join(PARAMETERS)}")
    return PARAMETERS[dataset]
