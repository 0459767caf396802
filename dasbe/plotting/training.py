"""Pictures of training."""

import numpy as np
from matplotlib import rc_context

from dasbe.plotting.style import RC, Figure, new_figure


@rc_context(RC)
def learning_curve(history: list[tuple[int, float, float, float]], name: str) -> Figure:
    """Training and validation loss against the epoch.

    Parameters
    ----------
    history : list of (epoch, training loss, validation loss, learning rate)
    name : str
        Name of the network.
    """
    epoch, training, validation, _ = np.transpose(history)
    figure = new_figure(4.5, 3)
    axes = figure.subplots()
    axes.plot(epoch, training, label="training", color="royalblue")
    axes.plot(epoch, validation, label="validation", color="darkorange")
    axes.set(xlabel="epoch", ylabel="cross-entropy (nats a pixel)", yscale="log", title=f"{name}: learning curve")
    axes.legend(frameon=False)
    return figure
