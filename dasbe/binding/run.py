"""The record of a run of the loop, and its forms: a file, spike trains for elephant, and a page that plays it.

A file (``.npz``; :meth:`Binding.save`, :func:`load_run`) holds

- ``images``: uint8, (N, H, W), or (N, cycles, H, W) for films;
- ``spikes``: spikes of the foreground pixels, eight bits to a byte (``numpy.packbits``), in the order
  of images, of pixels along the rows, and of steps;
- ``latents`` and ``feedback``: as in :class:`Binding`; like the spikes, only if they were recorded;
- ``indices``, and ``refractory`` if it is an array, and ``pictures`` if there are any;
- ``made``: all other parameters, command, versions and date, as JSON text.
"""

import json
import math
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from dasbe.ann.weights import weights_hash
from dasbe.binding.labels import align
from dasbe.binding.live_page import live_page_of
from dasbe.binding.page import page_of
from dasbe.engine.foreground import ForegroundTrains
from dasbe.snn.coding_space import LARGEST_REFRACTORY
from dasbe.support import checks
from dasbe.support.errors import InputError, for_terminal
from dasbe.support.paths import displayed, file_to_read
from dasbe.support.published import CYCLES_TABLE
from dasbe.support.storage import Unfit, array_of, atomic_path, provenance, save_arrays, untrusted

if TYPE_CHECKING:
    import neo
    import pandas as pd

RECORDABLE = ("spikes", "latents", "feedback")
LESS_MEMORY = "record fewer cycles (last=…), take a smaller delay, or bind fewer images at a time"
FORMAT = "dasbe run 1"  # of files; another layout gets another number


@dataclass(repr=False, eq=False)
class Binding:
    """What :func:`dasbe.bind` recorded of N images, over the last n cycles of d steps.

    Attributes
    ----------
    parameters : dict
        How the run was made: ``delay``, ``refractory`` (a number, or an int8 array),
        ``cycles``, ``recorded_cycles`` (n), ``seed``, ``spike_loss``, ``indices``
        ((N,) int64), ``network``: the SHA-256 of the weights, if it is an
        :class:`~dasbe.ann.autoencoder.Autoencoder`, else None, and ``modulate``: the name
        of the function, or None. With grey also ``gain``, the SHA-256 of its float32.
    images : (N, H, W) uint8, or (N, cycles, H, W) for films
        Input of the loop.
    trains : ForegroundTrains or None
        Spikes of the foreground pixels, which are all spikes; this takes less memory than images of them.
    made : dict
        Command, versions and date (:mod:`dasbe.support.storage`).
    pictures : (N, H, W) or (N, 3, H, W), from 0 to 1, or None
        The images as they are, where the run was given grey or colour; plots and pages show them.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> run = dasbe.bind(np.ones((2, 8, 8)), lambda x: 0.2 * x, delay=14, refractory=3, cycles=5, last=2)
    >>> run
    <Binding of 2 images of 8×8: 5 cycles, delay 14, refractory 3, seed 0; recorded: spikes of the last 2 cycles>
    >>> run.spikes.shape
    (2, 2, 14, 8, 8)
    >>> len(run), run[1]  # and run[:10], run[-1]
    (2, <Binding of 1 image of 8×8: 5 cycles, delay 14, refractory 3, seed 0; recorded: spikes of the last 2 cycles>)
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    images: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0), np.uint8))
    trains: ForegroundTrains | None = None
    made: dict[str, Any] = field(default_factory=dict)
    _latents: np.ndarray | None = None
    _feedback: np.ndarray | None = None
    pictures: np.ndarray | None = None

    @cached_property
    def spikes(self) -> np.ndarray:
        """s, (N, n, d, H, W) bool."""
        return self._as_images(slice(None))

    @property
    def latents(self) -> np.ndarray:
        """Latent code h, or latent spikes, in every step, (N, n, d, latent) float32."""
        return self._recorded("latents")

    @property
    def feedback(self) -> np.ndarray:
        """Output y of the network in every step, which acts one cycle later, (N, n, d, H, W) float32."""
        return self._recorded("feedback")

    @property
    def ink(self) -> np.ndarray:
        """Pixels that have ink at any time, (N, H, W) uint8: of still images, the images."""
        return self.images if self.images.ndim == 3 else self.images.max(axis=1)

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> "Iterator[Binding]":
        return (self[number] for number in range(len(self)))

    def __getitem__(self, chosen: int | slice) -> "Binding":
        """The run of one image, or of some: ``run[3]``, ``run[-1]``, ``run[:10]``."""
        try:
            numbers = range(len(self))[chosen]
        except (IndexError, TypeError):
            raise InputError(
                f"run[{checks.shown(chosen)}]: give an image from 0 to {len(self) - 1}, or a slice"
            ) from None
        some = np.atleast_1d(np.array(numbers, np.int64))
        if not len(some):
            raise InputError(f"run[{checks.shown(chosen)}] has no images; this run has {len(self)}")
        r = self.parameters["refractory"]
        own = {"indices": self.parameters["indices"][some], "refractory": r[some] if np.ndim(r) == 3 else r}
        trains = None if self.trains is None else self.trains.of_chosen(some)
        parts = (None if part is None else part[some] for part in (self._latents, self._feedback, self.pictures))
        return Binding(self.parameters | own, self.images[some], trains, self.made, *parts)

    def picture_of(self, image: int) -> np.ndarray | None:
        """One image as it is, (H, W, 3) from 0 to 1, if the run was given grey or colour; else None."""
        if self.pictures is None:
            return None
        height, width = self.images.shape[-2:]
        picture = self.pictures[image].astype(np.float32).reshape(-1, height, width)
        return np.broadcast_to(np.moveaxis(picture, 0, -1), (height, width, 3))

    def spikes_of(self, image: int) -> np.ndarray:
        """Spikes of one image, (n, d, H, W) bool.

        Raises
        ------
        InputError
            There is no such image, or spikes were not recorded.
        """
        image = self._number_of(image)
        return self._as_images(slice(image, image + 1))[0]

    def save(self, path: Path | str) -> None:
        """Write the run to a file for :func:`dasbe.load_run`; a spike takes one bit.

        Parameters
        ----------
        path : path ending in .npz

        Raises
        ------
        InputError
            `path` has another ending or cannot be written, or the run is empty.
        """
        path = checks.path("path", path, ".npz")
        if not self.parameters:
            raise InputError("this run is empty; dasbe.bind returns one that can be saved")
        arrays = {"images": self.images, "indices": self.parameters["indices"]}
        parameters = {key: value for key, value in self.parameters.items() if key != "indices"}
        if isinstance(parameters["refractory"], np.ndarray):
            arrays["refractory"], parameters["refractory"] = parameters["refractory"], None
        if self.pictures is not None:
            arrays["pictures"] = self.pictures
        for name, part in self._parts().items():
            arrays[name] = _packed(part) if isinstance(part, ForegroundTrains) else part
        save_arrays(path, arrays, {"format": FORMAT} | self.made | {"parameters": parameters})

    def to_neo(self, image: int = 0, *, labels: np.ndarray | None = None, step: float = 1.0) -> "neo.Segment":
        """Spikes of one image in the form that elephant and other packages read.

        Parameters
        ----------
        image : int
            Number of the image, from 0.
        labels : (N, H, W) int, optional
            Groups of the pixels, such as :func:`dasbe.group` returns.
        step : float
            Duration of a step in milliseconds.

        Returns
        -------
        neo.Segment
            ``segment.spiketrains`` has one ``neo.SpikeTrain`` for each pixel with ink, along
            the rows, annotated with ``row``, ``column`` and, if `labels` are given,
            ``group``. Step t of cycle k is at (k·d + t)·`step` ms, both counted from 0; the
            trains begin with the first recorded cycle. The segment is annotated with the
            number of the image and all numeric parameters of the run.

        Raises
        ------
        InputError
            neo is not installed, an argument is wrong, or spikes were not recorded.

        Examples
        --------
        >>> import numpy as np, dasbe
        >>> run = dasbe.bind(np.ones((1, 2, 3)), lambda x: 0.2 * x, delay=14, refractory=3, cycles=5)
        >>> segment = run.to_neo()
        >>> len(segment.spiketrains), segment.t_stop
        (6, array(70.) * ms)
        """
        trains, image, step = self._recorded("spikes"), self._number_of(image), checks.number("step", step, 0)
        if not step:
            raise InputError("step is 0; it must be the milliseconds of a step, above 0")
        if labels is not None:
            labels = checks.labels_of(self.ink.shape, labels, "labels")
        try:
            import neo
        except ImportError:
            raise InputError("to_neo needs the package neo; install it with: pip install neo") from None

        numbers = {key: value for key, value in self.parameters.items() if isinstance(value, (int, float))}
        segment = neo.Segment(name=f"image {image}", image=image, **numbers)
        last = self.parameters["cycles"] * self.parameters["delay"]
        first = last - self.parameters["recorded_cycles"] * self.parameters["delay"]
        values = trains.values[image].reshape(last - first, -1)  # (T, F)
        for train, (row, column) in zip(values.T, np.argwhere(self.ink[image]).tolist()):
            times, where = step * (first + np.flatnonzero(train)), {"row": row, "column": column}
            if labels is not None:
                where["group"] = int(labels[image, row, column])
            name = f"row {row}, column {column}"
            segment.spiketrains.append(
                neo.SpikeTrain(times, units="ms", t_start=step * first, t_stop=step * last, name=name, **where)
            )
        return segment

    def to_frame(self) -> "pd.DataFrame":
        """The spikes of all images as a table.

        Returns
        -------
        pandas.DataFrame
            A row for each spike: ``image``, ``row`` and ``column`` of the pixel, ``cycle``,
            ``step`` of the cycle, and ``time``, cycle·d + step, all counted from 0, as in :meth:`to_neo`.

        Raises
        ------
        InputError
            Spikes were not recorded, or memory is too small for the table.

        Examples
        --------
        >>> import numpy as np, dasbe
        >>> run = dasbe.bind(np.ones((1, 2, 3)), lambda x: 0.2 * x, delay=14, refractory=3, cycles=5)
        >>> list(run.to_frame())
        ['image', 'row', 'column', 'cycle', 'step', 'time']
        """
        import pandas as pd  # slow

        trains = self._recorded("spikes")
        checks.memory(
            10 * 8 * int(np.count_nonzero(trains.values)), "a table of all spikes", "choose images, as run[:9]"
        )
        image, cycle, step, place = np.nonzero(trains.values)
        row, column = np.divmod(trains.foreground.pixels.numpy()[image, place], trains.foreground.image_shape[1])
        cycle += self.parameters["cycles"] - self.parameters["recorded_cycles"]
        columns = {"image": image, "row": row, "column": column, "cycle": cycle, "step": step}
        return pd.DataFrame(columns | {"time": cycle * self.parameters["delay"] + step})

    def to_html(
        self,
        path: Path | str,
        image: int = 0,
        *,
        labels: np.ndarray | None = None,
        groups: np.ndarray | None = None,
        live: bool = False,
        network: nn.Module | None = None,
    ) -> None:
        """Write a web page that plays the spikes of one image step by step, as a single file that loads nothing.

        It shows the input, the spikes on the image and in a raster, and the spike train of any
        pixel or group. If feedback was recorded, it also shows the output of the network in each
        step and the feedback of a pixel, in 256 levels, for as many of the last cycles as fit
        compressed into 200 kB (at least one); a spike takes one bit.

        With `live`, the loop itself runs in the page, from the same image, delay and refractory time and with
        numbers of its own: a visitor moves the objects, draws, and takes the loop apart (docs/live.md).

        Parameters
        ----------
        path : path ending in .html
        image : int
            Number of the image, from 0.
        labels : (N, H, W) int, optional
            Grouping, such as :func:`dasbe.group` returns.
        groups : (N, H, W) int, optional
            Ground truth. Groups are then numbered and coloured as the objects that they overlap most.
        live : bool
            Whether the page runs the loop, in place of playing the run. Objects that can be moved are those of
            `groups`, or else of `labels`.
        network : nn.Module, optional
            That of the run, which does not keep it; needed by a live page. Its `encoder` and `decoder` must
            be of linear layers.

        Raises
        ------
        InputError
            An argument is wrong, the file cannot be written, or spikes were not recorded.

        Examples
        --------
        >>> import numpy as np, dasbe
        >>> run = dasbe.bind(np.ones((1, 8, 8)), lambda x: 0.2 * x, delay=14, refractory=3, cycles=5)
        >>> run.to_html("run.html", labels=dasbe.group(run, n_objects=1))
        """
        path, live = checks.path("path", path, ".html"), checks.flag("live", live)
        image, ink = self._number_of(image), self.ink
        found, truth = (
            None if given is None else checks.labels_of(ink.shape, given, name)[image]
            for name, given in (("labels", labels), ("groups", groups))
        )
        if live != (network is not None):
            raise InputError("a live page needs both live=True and network=…, that of the run; give both, or none")
        if network is not None:
            page = self._live_page(network, ink[image], found if truth is None else truth)
        else:
            page = self._played(image, ink, found, truth)
        with atomic_path(path) as temporary:
            temporary.write_text(page, encoding="utf-8")

    def _live_page(self, network: nn.Module, ink: np.ndarray, groups: np.ndarray | None) -> str:
        """The page in which the loop of this run begins again."""
        of_run, r = self.parameters["network"], np.unique(self.parameters["refractory"])
        if self.images.ndim == 4 or len(r) > 1:
            raise InputError("this run is of films, or of several refractory times; a live page takes neither")
        if of_run is not None and (not isinstance(network, nn.Module) or weights_hash(network) != of_run):
            raise InputError("network is not that of the run; give the one that dasbe.bind had, unchanged")
        timing = {"delay": self.parameters["delay"], "refractory": int(r[0])}
        return live_page_of(network, ink.shape, **timing, image=ink, groups=groups)

    def _played(self, image: int, ink: np.ndarray, found: np.ndarray | None, truth: np.ndarray | None) -> str:
        """The page that plays the spikes of `image`."""
        trains = self._recorded("spikes")
        score = None
        if found is not None and truth is not None:
            found, known = align(found, truth), truth > 0
            if known.any():
                from sklearn.metrics import adjusted_mutual_info_score  # slow to import; dasbe.ami lies above `binding`

                score = float(adjusted_mutual_info_score(truth[known], found[known]))
        frames = self.images[[image]] if self.images.ndim == 3 else self.images[image, -trains.values.shape[1] :]
        spikes = trains.values[image, ..., : trains.foreground.counts[image]]
        feedback = None if self._feedback is None else self._feedback[image]
        r = np.unique(np.broadcast_to(self.parameters["refractory"], ink.shape)[image])
        numbers = {key: value for key, value in self.parameters.items() if isinstance(value, (int, float, str))}
        parameters = numbers | {"image": image, "n_images": len(ink), "refractory": _range_of(r), "made": self.made}
        return page_of(spikes, frames, ink[image], found, truth, feedback, score, self.picture_of(image), parameters)

    def __repr__(self) -> str:
        if not self.parameters:
            return "<Binding of no images>"
        p, (n, *_, height, width), r = self.parameters, self.images.shape, np.unique(self.parameters["refractory"])
        kind = "film" if self.images.ndim == 4 else "image"
        recorded = ", ".join(self._parts())
        of_cycles = "" if p["recorded_cycles"] == p["cycles"] else f" of the last {p['recorded_cycles']} cycles"
        return for_terminal(
            f"<Binding of {n} {kind}{'s' if n > 1 else ''} of {height}×{width}: {p['cycles']} cycles, "
            f"delay {p['delay']}, refractory {_range_of(r)}, seed {p['seed']}"
            + (f", spike_loss {p['spike_loss']:g}" if p["spike_loss"] else "")
            + f"; recorded: {recorded + of_cycles if recorded else 'nothing'}>"
        )

    def _parts(self) -> dict[str, Any]:
        """What was recorded, under the names of `RECORDABLE`."""
        parts = zip(RECORDABLE, (self.trains, self._latents, self._feedback))
        return {name: part for name, part in parts if part is not None}

    def _recorded(self, name: str) -> Any:
        """What was recorded under `name`; InputError if nothing was."""
        if name not in (parts := self._parts()):
            raise InputError(f"{name} were not recorded in this run; name them: dasbe.bind(..., record=('{name}',))")
        return parts[name]

    def _as_images(self, chosen: slice) -> np.ndarray:
        trains = self._recorded("spikes").of_chosen(chosen)
        n_bytes = math.prod(trains.values.shape[:3]) * math.prod(trains.foreground.image_shape)
        checks.memory(n_bytes, "spikes as images", f"{LESS_MEMORY}; dasbe.group takes run.trains, which is smaller")
        return trains.to_images()

    def _number_of(self, image: Any) -> int:
        return checks.whole_number("image", image, 0, len(self.images) - 1)


def _range_of(ascending: np.ndarray) -> str:
    """``9``, or ``3 to 9``."""
    return str(ascending[0]) + (f" to {ascending[-1]}" if len(ascending) > 1 else "")


def new_run(
    images: np.ndarray,
    delay: int,
    refractory: int | np.ndarray,
    cycles: int | None,
    seed: int,
    spike_loss: float,
    last: int | None,
    indices: Sequence[int] | np.ndarray | None,
) -> Binding:
    """An empty record for a run of :func:`dasbe.bind` with these arguments, which are checked."""
    delay, seed = checks.whole_number("delay", delay, 1, checks.MOST_STEPS), checks.seed(seed)
    if checks.are_films(images):
        images, cycles = checks.films(images, cycles)
    else:
        images = checks.images(images)
    images = np.ascontiguousarray(images)
    n, *_, height, width = images.shape
    cycles = checks.whole_number("cycles", CYCLES_TABLE if cycles is None else cycles, 1, checks.MOST_STEPS)
    r = checks.refractory_times(refractory, (n, height, width), LARGEST_REFRACTORY)
    last = cycles if last is None else checks.whole_number("last", last)
    if last > cycles:
        raise InputError(f"last is {last}, more than the {cycles} cycles there are")
    parameters = {
        "delay": delay,
        "refractory": {0: int(r.flat[0]), 2: r[0].copy(), 3: r.copy()}[checks.n_axes(refractory)],
        "cycles": cycles,
        "recorded_cycles": last,
        "seed": seed,
        "spike_loss": checks.probability("spike_loss", spike_loss),
        "indices": checks.stream_indices(indices, n),
        "network": None,
        "modulate": None,
    }
    made = provenance()
    del made["parameters"]
    return Binding(parameters, images, made=made)


def load_run(path: Path | str) -> Binding:
    """Read what :meth:`Binding.save` wrote.

    Parameters
    ----------
    path : path

    Returns
    -------
    Binding
        Equal to the one that was saved, bit for bit.

    Raises
    ------
    MissingFileError
        There is no such file.
    FileContentError
        The file is damaged or of another kind, or its parts do not fit together.
    InputError
        It may not be read, or memory is too small for it.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> run = dasbe.bind(np.ones((1, 8, 8)), lambda x: 0.2 * x, delay=14, refractory=3, cycles=5)
    >>> run.save("run.npz")
    >>> bool((dasbe.load_run("run.npz").spikes == run.spikes).all())
    True
    """
    path = file_to_read("run", checks.path("path", path), "write it with: dasbe.bind(...).save(path)")
    reading = partial(untrusted, path, "run", "bind the images again", "is damaged, or not a run that dasbe saved")
    with reading(), zipfile.ZipFile(path) as archive:
        n_bytes = sum((10 if m.filename == "spikes.npy" else 2) * m.file_size for m in archive.infolist())
        checks.memory(n_bytes, f"the run in {displayed(path)}", LESS_MEMORY)
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if others := set(names).difference(RECORDABLE, ("images", "pictures", "indices", "refractory", "made")):
            raise Unfit(f"it also holds {checks.shown(sorted(others))}")
        arrays = {name: array_of(archive, name) for name in names}
    with reading(passed_on=True):
        return _run_of(arrays)


def _run_of(arrays: dict[str, np.ndarray]) -> Binding:
    """The run that a file holds, if all of it fits together; else Unfit, or an error of another kind."""
    made = json.loads(arrays.pop("made").item())
    parameters, form = made.pop("parameters"), made.pop("format")
    if form != FORMAT:
        raise Unfit(f"its format is {checks.shown(form)}, not {FORMAT!r}", "use the version of dasbe that wrote it")
    checks.whole_number("cycles", parameters["cycles"])
    last, network = checks.whole_number("recorded_cycles", parameters.pop("recorded_cycles")), parameters.pop("network")
    modulate = parameters.pop("modulate", None)  # files of version 0.2.0 and before have none
    gain = {"gain": parameters.pop("gain")} if "gain" in parameters else {}
    if parameters["refractory"] is None:
        parameters["refractory"] = arrays.pop("refractory")
    run = new_run(arrays.pop("images"), **parameters, last=last, indices=arrays.pop("indices"))
    if network is not None and not re.fullmatch("[0-9a-f]{64}", network) or made.keys() != run.made.keys():
        raise Unfit(f"its network is {checks.shown(network)}, and its record has {checks.shown(list(made))}")
    if modulate is not None:
        checks.instance("modulate", modulate, str, "the name of a function")
    if gain and not re.fullmatch("[0-9a-f]{64}", gain["gain"]):
        raise Unfit(f"its gain is {checks.shown(gain['gain'])}, and no SHA-256")
    run.parameters |= {"network": network, "modulate": modulate} | gain
    run.made = made

    if "pictures" in arrays:
        run.pictures = checks.pictures(arrays.pop("pictures"), "pictures")
        if run.pictures.shape not in ((shape := run.ink.shape), (len(run.images), 3, *shape[1:])):
            raise Unfit(f"its pictures have shape {run.pictures.shape}, and its images {shape}")
    steps = (len(run.images), last, run.parameters["delay"])
    if "spikes" in arrays:
        run.trains = _unpacked(arrays.pop("spikes"), run.ink, *steps[1:])
        if run.images.ndim == 4:
            ink = run.trains.foreground.of_images(run.images[:, -last:]).numpy()[:, :, None]
            if (run.trains.values > ink).any():
                raise Unfit("it has spikes where a film has no ink")
    if "latents" in arrays:
        run._latents = _float32("latents", arrays, (*steps, arrays["latents"].shape[-1]))
    if "feedback" in arrays:
        run._feedback = _float32("feedback", arrays, (*steps, *run.images.shape[-2:]))
        if not (run._feedback.min() >= 0 and run._feedback.max() <= 1):
            raise Unfit("its feedback does not lie in [0, 1]")
    if arrays:
        raise Unfit(f"it also holds {checks.shown(list(arrays))}")
    return run


def _float32(name: str, arrays: dict[str, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Array `name`, taken out of `arrays`; Unfit unless it is float32 of `shape`."""
    values = arrays.pop(name)
    if values.shape != shape or values.dtype != np.float32:
        raise Unfit(f"its {name} are {checks.shown(values)}; they must be float32 of shape {shape}")
    return values


def _packed(trains: ForegroundTrains) -> np.ndarray:
    """Spikes of the foreground pixels as bits, (bytes,) uint8: by image, pixel and step."""
    return np.packbits(trains.values.transpose(0, 3, 1, 2)[trains.foreground.valid.numpy()])


def _unpacked(packed: np.ndarray, images: np.ndarray, cycles: int, delay: int) -> ForegroundTrains:
    """Spike trains on `images` (N, H, W) from what :func:`_packed` returned."""
    n_bits = int(np.count_nonzero(images)) * cycles * delay
    bits = np.unpackbits(packed)
    if len(packed) != -(-n_bits // 8) or bits[n_bits:].any():
        raise Unfit(f"{len(packed)} bytes of spikes do not fit its images, cycles and delay")
    widest = int(np.count_nonzero(images, axis=(1, 2)).max())
    checks.memory(len(images) * widest * cycles * delay, "spikes of all images", LESS_MEMORY)
    trains = ForegroundTrains.silent(images, cycles, delay, bool)
    valid = trains.foreground.valid.numpy()
    trains.values.transpose(0, 3, 1, 2)[valid] = bits[:n_bits].reshape(-1, cycles, delay)
    return trains
