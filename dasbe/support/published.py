"""What was published: settings, results to compare ours with, and the colours of objects.

DASBE, pure-ANN and pure-SNN: Zheng, Lin, Zhao, Shi 2022 (NeurIPS), Table 1 and Figure 3.
Reconstruction Clustering (RC): Greff, Srivastava, Schmidhuber 2015 (arXiv 1511.06418), with its own networks, on
1000 `test` images, its AMI normalised by the larger of the two entropies.
"""

from typing import NamedTuple

CYCLES_TABLE = 50  # cycles of Table 1
CYCLES_FIGURES = 30  # cycles of the figures
SEEDS_TABLE = (111, 222, 333, 444, 555)
IMAGES_TABLE = 6000  # the first ones of train_multi
READOUT_CYCLES = 10  # cycles at the end that are read

SURPLUS_PHASES = 3  # competing phases at first, beyond the objects of a dataset; our own, published nowhere else

# images for judging networks: Table 1 uses 0 to 5999 of this split, training none of it
HELD_OUT_SPLIT, HELD_OUT_START, HELD_OUT_IMAGES, HELD_OUT_SEED = "train_multi", 6000, 1000, 111
HELD_OUT_MOST = 54000  # images that there are from there on


class DatasetSettings(NamedTuple):
    """Settings of the systems of Table 1 on a dataset (paper, appendix).

    Attributes
    ----------
    delay : int
        d, steps in one cycle = delay of the feedback.
    refractory : int
        r, silent steps of a pixel after a spike.
    objects : int
        Objects in each image.
    threshold_jump : float
        V_θ of the pulse-coupled network.
    threshold_decay : float
        τ_θ of the pulse-coupled network, steps.
    """

    delay: int
    refractory: int
    objects: int
    threshold_jump: float = 10.0
    threshold_decay: float = 6.0

    @property
    def n_phases(self) -> int:
        """Competing phases at first."""
        return self.objects + SURPLUS_PHASES


TABLE1: dict[str, dict[str, tuple[float, float | None]]] = {
    "dasbe": {
        "bars": (96.5, 0.03),
        "shapes": (90.2, 0.07),
        "corners": (80.6, 0.08),
        "multi_mnist": (55.5, 0.06),
        "mnist_shape": (53.3, 0.26),
    },
    "pure_ann": {
        "bars": (9.6, 0.04),
        "shapes": (47.5, 0.04),
        "corners": (54.2, 0.15),
        "multi_mnist": (43.0, 0.08),
        "mnist_shape": (38.3, 0.03),
    },
    "pure_snn": {
        "bars": (9.3, 0.04),
        "shapes": (44.7, 0.15),
        "corners": (28.5, 0.08),
        "multi_mnist": (23.0, 0.11),
        "mnist_shape": (12.9, 0.08),
    },
    "rc_own": {
        "bars": (95.2, None),
        "shapes": (92.9, None),
        "corners": (85.4, None),
        "multi_mnist": (65.2, None),
        "mnist_shape": (54.6, None),
    },
}
"""AMI in per cent by system and dataset: (mean, standard deviation over seeds, None where none was published)."""

FIGURE3_ENDS: dict[str, dict[str, float]] = {
    "synchrony": {"bars": 0.97, "shapes": 0.85, "corners": 0.79, "multi_mnist": 0.45, "mnist_shape": 0.27},
    "rate": {"bars": 0.14, "shapes": -0.2, "corners": 0.05, "multi_mnist": -0.2, "mnist_shape": -0.2},
}
"""Where the curves of Figure 3 end, read off the figure: silhouettes by score and dataset."""


def table1_ami(system: str, dataset: str) -> tuple[float, float | None] | None:
    """Published AMI in per cent and its deviation, or None where none was published."""
    return TABLE1.get(system, {}).get(dataset)


# the published colours of objects 1 to 3; further ones for pictures with more objects
PUBLISHED: tuple[str, ...] = ("gold", "royalblue", "limegreen", "orangered", "mediumpurple", "deepskyblue", "hotpink")
PUBLISHED += ("sienna", "teal", "olive", "salmon", "slategray")
# Okabe and Ito 2008: eight colours that readers with colour-vision deficiency tell apart
COLOUR_BLIND_SAFE: tuple[str, ...] = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#F0E442")
COLOUR_BLIND_SAFE += ("#999999",)
# of the dark colours of Tol 2021 (SRON/EPS/TN/09-002) those that they tell best from the eight and from each other
COLOUR_BLIND_SAFE += ("#222255", "#225555", "#666633", "#663333")
PALETTES = {"published": PUBLISHED, "colour-blind-safe": COLOUR_BLIND_SAFE}
