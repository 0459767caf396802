"""Figure 2: one image in detail. Each panel is a function from arrays to a figure."""

import numpy as np
from matplotlib import rc_context

from dasbe.plotting.grouping import input_and_grouping
from dasbe.plotting.phases import phase_colours
from dasbe.plotting.raster import spike_raster
from dasbe.plotting.scores import curve_with_band, regression, standard_error
from dasbe.plotting.style import INK, RC, Figure, image_axes, new_figure, palette_of_marks

PHASE_CYCLES = (0, 2, 4, 9, 19, 29)
SCORE_COLOURS = {"synchrony": "#0072B2", "rate": "#D55E00"}


def figures(arrays: dict[str, np.ndarray], colours: str) -> dict[str, Figure]:
    """All panels by file name."""
    a = arrays
    n_cycles = len(a["spikes"])
    return {
        "grouping": input_and_grouping(a["image"], a["labels"], a["groups"], float(a["ami"][0]), colours),
        "spikes": spikes_step_by_step(a["spikes"]),
        "raster": spike_raster(a["spikes"], a["groups"], [(n_cycles - 4, n_cycles)], colours=colours),
        "spike_trains": spike_trains(a["spikes"], a["groups"], colours),
        "synchrony_matrix": synchrony_matrix(a["synchrony_matrix"], a["groups"]),
        "autocorrelation": autocorrelation(a["autocorrelation"], colours),
        "scores": scores(a["synchrony"], a["rate"]),
        "phases": phases(a["spikes"], int(a["refractory"])),
        "correlation": correlation(a["synchrony"], a["rate"], a["clustering"]),
        "robustness": robustness(a, colours),
    }


@rc_context(RC)
def spikes_step_by_step(spikes: np.ndarray, n_cycles: int = 3) -> Figure:
    """Every step of the first and the last cycles as a small picture; one row is one cycle.

    Parameters
    ----------
    spikes : (n, d, H, W) bool
    n_cycles : int
        At either end.
    """
    n, delay = spikes.shape[:2]
    rows = [*range(n_cycles), *range(n - n_cycles, n)]
    figure = new_figure(13, 0.42 * len(rows) + 0.9)
    blocks = figure.subfigures(2, 1)
    for block, chosen, name in zip(blocks, (rows[:n_cycles], rows[n_cycles:]), ("first", "last")):
        axes = block.subplots(len(chosen), delay, squeeze=False, gridspec_kw={"wspace": 0.04, "hspace": 0.04})
        for row, cycle in enumerate(chosen):
            for t in range(delay):
                ax = axes[row, t]
                ax.imshow(_on_black(spikes[cycle, t]), interpolation="nearest")
                ax.set(xticks=[], yticks=[])
                for spine in ax.spines.values():
                    spine.set_visible(False)
                if row == len(chosen) - 1 and (t % 4 == 0 or t == delay - 1):
                    ax.set_xlabel(str(t), size=7, labelpad=2)
            axes[row, 0].set_ylabel(str(cycle), rotation=0, ha="right", va="center", size=8)
        block.suptitle(f"{name} {n_cycles} cycles (rows: cycle, columns: step)", size=9, x=0.01, ha="left")
    return figure


def _on_black(spikes: np.ndarray) -> np.ndarray:
    """(H, W, 3): spikes yellow on black."""
    return spikes[..., None] * np.array([1.0, 1.0, 0.0])


@rc_context(RC)
def spike_trains(spikes: np.ndarray, groups: np.ndarray, colours: str, per_object: int = 4) -> Figure:
    """Spike trains of a few single neurons of each object, first and last cycles.

    Parameters
    ----------
    spikes : (n, d, H, W) bool
    groups : (H, W) int
    colours : str
    per_object : int
    """
    n, delay = spikes.shape[:2]
    trains = spikes.reshape(n * delay, *groups.shape)
    rng = np.random.default_rng(0)
    table = palette_of_marks(int(groups.max()), colours)
    figure = new_figure(10, 0.8 + 0.16 * per_object * groups.max())
    axes = figure.subplots(1, 2, sharey=True)
    windows = ((0, 4 * delay), ((n - 4) * delay, n * delay))
    for ax, (start, stop), name in zip(axes, windows, ("first", "last")):
        line = 0
        for k in range(1, groups.max() + 1):
            where = np.argwhere(groups == k)
            for y, x in where[rng.permutation(len(where))[:per_object]]:
                times = start + np.flatnonzero(trains[start:stop, y, x])
                ax.vlines(times, line + 0.1, line + 0.9, color=table[k], linewidth=1.4)
                line += 1
        for cycle_start in range(start, stop + 1, delay):
            ax.axvline(cycle_start - 0.5, color="#cccccc", linewidth=0.6, zorder=0)
        ax.set(xlim=(start - 1, stop), ylim=(line, 0), yticks=[], xlabel="time (steps)", title=f"{name} four cycles")
        ax.spines["left"].set_visible(False)
        rng = np.random.default_rng(0)  # the same neurons in both
    axes[0].set_ylabel("single neurons, by object")
    return figure


@rc_context(RC)
def synchrony_matrix(matrix: np.ndarray, groups: np.ndarray) -> Figure:
    """How often two pixels fire together, pixels sorted by object.

    Parameters
    ----------
    matrix : (P, P) float
        :func:`dasbe.metrics.synchrony_matrix`.
    groups : (H, W) int
    """
    figure = new_figure(4.6, 3.9)
    axes = figure.add_subplot()
    shown = axes.imshow(matrix, cmap="jet", vmin=0, vmax=1, interpolation="nearest")
    counts = np.bincount(groups[groups > 0])[1:]
    ends = np.cumsum(counts)
    names = [f"object {k}" for k in range(1, len(counts) + 1)]
    axes.set_xticks(ends - counts / 2, names)
    axes.set_yticks(ends - counts / 2, names, rotation=90, va="center")
    axes.tick_params(length=0)
    axes.set(title="synchrony matrix, last 10 cycles")
    figure.colorbar(shown, label="coincident spikes (of the maximum)")
    return figure


@rc_context(RC)
def autocorrelation(values: np.ndarray, colours: str) -> Figure:
    """Autocorrelation of each object's number of spikes.

    Parameters
    ----------
    values : (objects, 2·lags + 1) float
        :func:`dasbe.metrics.autocorrelation`.
    colours : str
    """
    n_groups, width = values.shape
    lags = np.arange(width) - width // 2
    table = palette_of_marks(n_groups, colours)
    figure = new_figure(2.7 * n_groups, 2.2)
    for k, ax in enumerate(figure.subplots(1, n_groups, sharey=True, squeeze=False)[0]):
        ax.bar(lags, values[k], width=0.85, color=table[k + 1])
        ax.set(title=f"object {k + 1}", xlabel="lag (steps)", ylim=(0, 1.05))
    figure.axes[0].set_ylabel("autocorrelation\n(of lag 0)")
    return figure


@rc_context(RC)
def scores(synchrony: np.ndarray, rate: np.ndarray) -> Figure:
    """Synchrony and rate score of every cycle, mean and standard deviation over seeds; (seeds, n) each."""
    figure = new_figure(4.4, 2.9)
    axes = figure.add_subplot()
    for (name, colour), values in zip(SCORE_COLOURS.items(), (synchrony, rate)):
        curve_with_band(axes, values, values.std(0), colour, f"{name} score")
    axes.axhline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
    axes.set(xlabel="cycle", ylabel="score (silhouette)", ylim=(-0.75, 1.02))
    axes.legend(frameon=False)
    return figure


@rc_context(RC)
def phases(spikes: np.ndarray, refractory: int) -> Figure:
    """Pixels coloured by the phase in which they fire, in cycles `PHASE_CYCLES`."""
    cycles = [c for c in PHASE_CYCLES if c < len(spikes)]
    figure = new_figure(1.7 * len(cycles), 2.3)
    *axes, bar = figure.subplots(1, len(cycles) + 1, gridspec_kw={"width_ratios": [1] * len(cycles) + [0.09]})
    for ax, cycle in zip(axes, cycles):
        ax.imshow(phase_colours(spikes[cycle], refractory), interpolation="nearest")
        image_axes(ax, f"cycle {cycle}")
    delay = spikes.shape[1]
    each_step = np.eye(delay, dtype=bool)[:, :, None]  # step t: one pixel of its own
    bar.imshow(phase_colours(each_step, refractory), aspect="auto", interpolation="nearest")
    bar.set(xticks=[], yticks=[0, delay - 1])
    bar.yaxis.tick_right()
    bar.set_ylabel("step of the cycle", labelpad=-14)
    bar.yaxis.set_label_position("right")
    return figure


@rc_context(RC)
def correlation(synchrony: np.ndarray, rate: np.ndarray, clustering: np.ndarray) -> Figure:
    """Synchrony and rate score against clustering score, every cycle and seed a point; (seeds, n) each."""
    figure = new_figure(7.2, 3.0)
    for ax, (name, colour), values in zip(figure.subplots(1, 2), SCORE_COLOURS.items(), (synchrony, rate)):
        r = regression(ax, clustering.ravel(), values.ravel(), colour)
        ax.set(xlabel="clustering score", ylabel=f"{name} score", title=f"r = {r:.2f}")
    return figure


@rc_context(RC)
def robustness(a: dict[str, np.ndarray], colours: str) -> Figure:
    """The spikes of the last two cycles in three conditions, and AMI and synchrony against the perturbations."""
    loss, spread = a["shown"]
    conditions = {
        "normal": a["spikes"][-2:],
        f"{100 * loss:.0f} % of spikes lost": a["loss_spikes"][-2:],
        f"refractory time {int(a['refractory'])} ± {spread:.0f} steps, by pixel": a["spread_spikes"][-2:],
    }
    figure = new_figure(10, 5.4)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1.15))
    table = palette_of_marks(int(a["groups"].max()), colours)
    labels = np.sort(a["groups"][a["groups"] > 0])
    for ax, (name, spikes) in zip(upper.subplots(1, 3, sharey=True), conditions.items()):
        order = np.argsort(a["groups"][a["groups"] > 0], kind="stable")
        trains = spikes.reshape(-1, *a["groups"].shape)[:, a["groups"] > 0][:, order]
        time, pixel = np.nonzero(trains)
        ax.scatter(time, pixel, s=1.6, color=table[labels[pixel]], linewidths=0)
        ax.axvline(spikes.shape[1] - 0.5, color="#cccccc", linewidth=0.6)
        ax.set(title=name, xlabel="time (steps)", xlim=(-1, len(trains)), ylim=(len(order), -1), yticks=[])
    upper.axes[0].set_ylabel("pixels, by object")
    strengths = (("loss", 100 * a["losses"], "spikes lost (%)"), ("spread", a["spreads"], "spread of r (± steps)"))
    axes = lower.subplots(1, 2, sharey=True)
    for ax, (name, strength, label) in zip(axes, strengths):
        for kind, title, colour in (("ami", "AMI", INK), ("synchrony", "synchrony score", SCORE_COLOURS["synchrony"])):
            values = a[f"{name}_{kind}"].T
            curve_with_band(ax, values, standard_error(values), colour, title, strength, marker="o")
        ax.set(xlabel=label, ylim=(0, 1.02))
    axes[0].set_ylabel(f"mean of {a['loss_ami'].shape[1]} images ± s.e.")
    axes[1].legend(frameon=False, loc="lower left")
    return figure
