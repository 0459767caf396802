"""Drawing: functions from arrays to Matplotlib figures; nothing here computes a result."""

from dasbe.plotting.animation import animate_binding
from dasbe.plotting.grouping import decoded_groups, input_and_grouping
from dasbe.plotting.raster import spike_raster
from dasbe.plotting.training import learning_curve

__all__ = ["animate_binding", "decoded_groups", "input_and_grouping", "learning_curve", "spike_raster"]
