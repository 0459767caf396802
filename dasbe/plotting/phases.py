"""Phase colouring: when a pixel fires in a cycle, as a colour (paper, Figure 2)."""

import numpy as np
from matplotlib.colors import hsv_to_rgb

from dasbe.support import checks


def phase_colours(spikes: np.ndarray, refractory: int) -> np.ndarray:
    """Colour of each pixel by when it fires in a cycle: the same colour is the same phase.

    Step t of d has hue 2/3 + t/d on the HSV wheel and brightness
    ½ (sin(2π (d/r) t/d) + 1); a pixel has the sum of the colours of its spikes.

    Parameters
    ----------
    spikes : (d, H, W) bool
        Spikes of one cycle of d steps.
    refractory : int
        Refractory time r in steps, at least 1.

    Returns
    -------
    (H, W, 3) float in [0, 1]

    Raises
    ------
    InputError
        An argument is wrong.
    """
    spikes, refractory = checks.spikes(spikes, "(steps, H, W)", 3), checks.whole_number("refractory", refractory)
    delay = len(spikes)
    step = np.arange(delay)
    hue, brightness = (2 / 3 + step / delay) % 1, 0.5 * (np.sin(2 * np.pi * step / refractory) + 1)
    colours = hsv_to_rgb(np.column_stack([hue, np.ones(delay), brightness]))
    return np.clip(np.tensordot(np.asarray(spikes, float), colours, axes=(0, 0)), 0, 1)
