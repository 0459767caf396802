"""Published results, to compare ours with; nothing is computed from them.

DASBE, pure-ANN and pure-SNN: Zheng, Lin, Zhao, Shi 2022 (NeurIPS), Table 1 and Figure 3.
Reconstruction Clustering (RC): Greff, Srivastava, Schmidhuber 2015 (arXiv 1511.06418), with its own networks, on
1000 `test` images, its AMI normalised by the larger of the two entropies.
"""

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
