"""Settings of the published experiments that all datasets share, and what is published of each dataset.

The values of each dataset stand in the table of datasets, :mod:`dasbe.datasets.catalogue`. Besides: the images that
networks are judged by.
"""

from typing import NamedTuple

CYCLES_TABLE = 50  # cycles of Table 1
CYCLES_FIGURES = 30  # cycles of the figures
SEEDS_TABLE = (111, 222, 333, 444, 555)
IMAGES_TABLE = 6000  # the first ones of train_multi
READOUT_CYCLES = 10  # cycles at the end that are read

# images for judging networks: Table 1 uses 0 to 5999 of this split, training none of it
HELD_OUT_SPLIT, HELD_OUT_START, HELD_OUT_IMAGES, HELD_OUT_SEED = "train_multi", 6000, 1000, 111
HELD_OUT_MOST = 54000  # images that there are from there on


class DatasetSettings(NamedTuple):
    """What the systems of Table 1 are set to on a dataset (paper, appendix).

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
