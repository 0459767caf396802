"""Measures: of a grouping against the ground truth, and of the synchrony of spike trains."""

from dasbe.metrics.grouping import ami, ari, mbo, n_found
from dasbe.metrics.synchrony import (
    autocorrelation,
    cross_correlation,
    cycle_scores,
    silhouette,
    synchrony_matrix,
    victor_purpura_distances,
)

__all__ = [
    "ami",
    "ari",
    "autocorrelation",
    "cross_correlation",
    "cycle_scores",
    "mbo",
    "n_found",
    "silhouette",
    "synchrony_matrix",
    "victor_purpura_distances",
]
