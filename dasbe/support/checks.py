"""What all public functions require of their arguments: the same words, the same line, the same exception.

Every check returns the argument in the form in which it is used, or raises
:class:`~dasbe.support.errors.InputError` with one line that names the argument, its value and
the remedy.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dasbe.support.errors import InputError, in_short
from dasbe.support.paths import nearest_existing

if TYPE_CHECKING:
    import torch

LARGEST_NUMBER = 2**31 - 1  # of cycles, steps, …: counters are no larger anywhere
MOST_STEPS = 10**6  # of a cycle, and cycles and iterations of a run
LARGEST_SEED = 2**63 - 1
MOST_WORKERS = 1024  # processes
MOST_CHANNELS = 4  # colour channels of an image; films of so few frames are doubtful
MOST_LISTED = 12  # names in a message, of which one is to be chosen
SHOWN = 60  # characters of a wrong value


def shown(value: Any) -> str:
    """`value` in a few words: arrays by their shape and type, all else as Python writes it, cut to fit a line."""
    try:
        if (_is(value, "numpy", "ndarray") or _is(value, "torch", "Tensor")) and value.ndim:
            return f"an array of shape {tuple(value.shape)} and type {str(value.dtype).removeprefix('torch.')}"
        text = " ".join(repr(value.item() if _is(value, "numpy", "generic") else value).split())
    except Exception:  # a value of a user's own class, or a number of thousands of digits
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _is(value: Any, module: str, kind: str) -> bool:
    """Whether `value` is of a `kind` of `module`: not so, if nobody has imported the module yet."""
    return module in sys.modules and isinstance(value, getattr(sys.modules[module], kind))


def one_of(name: str, value: Any, choices: Iterable[str]) -> str:
    """A name out of `choices`."""
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        others = f", … ({len(choices) - MOST_LISTED} more)" if len(choices) > MOST_LISTED else ""
        listed = ", ".join(choices[:MOST_LISTED]) + others
        raise InputError(f"{name} {shown(value)} is unknown; choose one of {listed}")
    return value


def each_once(name: str, values: Iterable[Any]) -> None:
    """InputError if `values` has one of its members twice."""
    values = list(values)
    for value in values:
        if values.count(value) > 1:
            raise InputError(f"{name} names {value} twice; name it once")


def n_axes(value: Any) -> int:
    """How many axes `value` has as an array; −1 if it cannot be one, or has to be stacked first."""
    if _is(value, "torch.utils.data", "Dataset"):  # NumPy would read all of it
        return -1
    try:
        return value.ndim if _is(value, "torch", "Tensor") else np.ndim(value)
    except Exception:  # lists of unequal lengths, tensors without numbers, …
        return -1


def _is_whole(value: Any) -> bool:
    """Whether `value` is a whole number; Python and NumPy count bool and time spans among them."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_, np.timedelta64))


def whole_number(name: str, value: Any, least: int = 1, most: int = LARGEST_NUMBER) -> int:
    """`value` as an int from `least` to `most`."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not _is_whole(value) or value < least:
        raise InputError(f"{name} is {shown(value)}; it must be a whole number of at least {least}")
    if value > most:
        raise InputError(f"{name} is {shown(value)}; it must be a whole number of at most {most}")
    return int(value)


def seed(value: Any) -> int:
    """A seed of random numbers."""
    return whole_number("seed", value, 0, LARGEST_SEED)


def number(name: str, value: Any, least: float = -np.inf, most: float = np.inf, infinite: bool = False) -> float:
    """`value` as a float from `least` to `most`, finite unless infinity is allowed."""
    real = None
    if _is_whole(value) or isinstance(value, (float, np.floating)):
        try:
            real = float(value)
        except OverflowError:
            pass
    if real is None or not least <= real <= most or not (infinite or np.isfinite(real)):
        between = f"from {least:g} to {most:g}" if np.isfinite(most) else f"of at least {least:g}"
        raise InputError(f"{name} is {shown(value)}; it must be a number" + (f" {between}" if least > -np.inf else ""))
    return real


def probability(name: str, value: Any) -> float:
    """A probability."""
    try:
        return number(name, value, 0, 1)
    except InputError:
        raise InputError(f"{name} is {shown(value)}; it must be a probability, from 0 to 1") from None


def progress(value: Any) -> bool:
    """Whether a progress bar is shown: if it is wanted, and there is something to show it on."""
    return flag("progress", value) and sys.stderr is not None


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name} is {shown(value)}; it must be True or False")
    return bool(value)


def some_of(name: str, value: Any, choices: Sequence[str]) -> tuple[str, ...]:
    """Names out of `choices`."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InputError(f"{name} is {shown(value)}; it must be a list of some of {', '.join(choices)}")
    names = tuple(value)
    unknown = [shown(item).strip("'") for item in names if not (isinstance(item, str) and item in choices)]
    if unknown:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        raise InputError(f"{name} names {', '.join(unknown[:3])}{more}; choose some of {', '.join(choices)}")
    return names


def array(name: str, value: Any, what: str) -> np.ndarray:
    """`value` as an array of numbers or bool; `what` says what it must be."""
    if np.ma.is_masked(value):
        raise InputError(f"{name} is a masked array; say what masked values are, as in {name}.filled(0)")
    try:
        if _is(value, "torch", "Tensor"):
            value = value.detach().cpu()
            value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
        result = np.asarray(value)
    except Exception:  # lists of unequal lengths, tensors without numbers, …
        raise InputError(f"{name} is {shown(value)}; it must be {what}") from None
    if result.dtype.kind not in "buif":
        kind = f"of type {result.dtype}" if result.ndim else shown(value)
        raise InputError(f"{name} is {kind}; it must be {what} of numbers or bool")
    return result


def image_stack(name: str, value: Any) -> np.ndarray:
    """`value` as an array of numbers without a channel axis; images of a Dataset or DataLoader of PyTorch are stacked.

    A Dataset has images, or tuples that begin with one. That of a DataLoader is read in its own
    order, so that results belong to its images whether the loader shuffles or not.
    """
    if _is(value, "torch.utils.data", "DataLoader"):
        if getattr(value.collate_fn, "__name__", "") != "default_collate" or len(value.sampler) != len(value.dataset):
            raise InputError(f"{name} is a DataLoader that changes or chooses images; give a Dataset of those it gives")
        value = value.dataset
    if not _is(value, "torch.utils.data", "Dataset"):
        return without_channel(array(name, value, "an array (N, H, W)"))
    try:
        count = len(value)
    except TypeError:
        count = 0
    if not count:
        raise InputError(f"{name} is a {type(value).__name__} without images, or of unknown length; give an array")
    stacked = None
    for number in range(count):
        try:
            item = value[number]
        except Exception as error:  # a user's own class may fail in any way
            raise InputError(f"{name}[{number}] cannot be read ({in_short(error)})") from error
        item = array(f"{name}[{number}]", item[0] if isinstance(item, (tuple, list)) else item, "an array (H, W)")
        if stacked is None:
            memory(count * item.nbytes, f"reading {count} {name}", "give fewer")
            stacked = np.empty((count, *item.shape), item.dtype)
        if (item.shape, item.dtype) != (stacked.shape[1:], stacked.dtype):
            raise InputError(f"{name}[{number}] is {shown(item)}, and {name}[0] {shown(stacked[0])}; make them alike")
        stacked[number] = item
    assert stacked is not None  # there is at least one
    return without_channel(stacked)


def without_channel(given: np.ndarray) -> np.ndarray:
    """(N, 1, H, W), as PyTorch has grey images, as (N, H, W); any other array as it is."""
    return given[:, 0] if given.ndim == 4 and given.shape[1] == 1 != given.shape[3] else given


def are_films(value: Any) -> bool:
    """Whether `value` has the four axes of films (N, n, H, W); with n = 1 they are still images."""
    return n_axes(value) == 4 and np.shape(value)[1] != 1


def images(value: Any, name: str = "images") -> np.ndarray:
    """Images (N, H, W) of 0 and 1, as uint8."""
    given = image_stack(name, value)
    if given.ndim != 3 or 0 in given.shape:
        hint = ""
        if given.ndim == 4 and 1 in given.shape[1::2]:
            hint = "; leave the channel axis out"
        elif given.ndim == 2:
            hint = f"; a single image is {name}[None]"
        raise InputError(f"{name} have shape {given.shape}; they must be (N, H, W), none of them 0{hint}")
    wrong = ~((given == 0) | (given == 1))
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise InputError(
            f"{name} must be 0 or 1, but {name}{list(where)} is {given[where]}; binarise them first: dasbe.binarise"
        )
    return given.astype(np.uint8)


def pictures(value: Any, name: str = "images") -> np.ndarray:
    """Images (N, H, W) of 0 and 1, as uint8; or grey, or (N, 3, H, W) in colour, as float32 from 0 to 1."""
    given = image_stack(name, value)
    in_colour = given.ndim == 4 and given.shape[1] == 3
    if given.ndim == 4 and given.shape[3] == 3 and not in_colour:
        raise InputError(f"{name} have shape {given.shape}; colours come first: {name}.transpose(0, 3, 1, 2)")
    if given.ndim == 4 and not in_colour and given.shape[1] > 1:
        raise InputError(f"{name} have shape {given.shape}; they must be (N, H, W), or (N, 3, H, W) in colour")
    if not in_colour and (given.ndim != 3 or given.dtype.kind == "b" or ((given == 0) | (given == 1)).all()):
        return images(given, name)
    if 0 in given.shape:
        raise InputError(f"{name} have shape {given.shape}; none of it may be 0")
    if given.dtype == np.uint8 and given.max() > 1:
        return (given / np.float32(255)).astype(np.float32)
    wrong = ~((given >= 0) & (given <= 1))
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        remedy = "give grey and colours as numbers from 0 to 1, or as uint8"
        raise InputError(f"{name}{list(where)} is {given[where]}; {remedy}")
    return given.astype(np.float32)


def shares(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers from 0 to 1, one for each pixel of images of `shape` (N, H, W), as float32."""
    given = array(name, value, "an array (N, H, W)")
    if given.shape != shape:
        raise InputError(f"{name} has shape {given.shape}; it must be {shape}, as the images have")
    wrong = given[~((given >= 0) & (given <= 1))]
    if wrong.size:
        raise InputError(f"{name} holds {wrong[0]}; it must be numbers from 0 to 1")
    return given.astype(np.float32)


def image(value: Any, name: str = "image") -> np.ndarray:
    """One image (H, W) of 0 and 1, as uint8."""
    given = array(name, value, "an array (H, W)")
    if given.ndim != 2:
        raise InputError(f"{name} has shape {given.shape}; it must be (H, W)")
    return images(given[None], name)[0]


def films(value: Any, cycles: Any) -> tuple[np.ndarray, int]:
    """Films (N, n, H, W) of 0 and 1, as uint8, and their n frames, which `cycles` must be if it is given."""
    given = array("images", value, "an array (N, cycles, H, W)")
    if 0 in given.shape:
        raise InputError(f"images have shape {given.shape}; they must be (N, cycles, H, W), none of them 0")
    if given.shape[3] == 1:
        raise InputError(
            f"images have shape {given.shape}: films, or images with a channel axis; leave the channel axis out "
            "(images.squeeze(3)); a film has one frame for each cycle"
        )
    if cycles is None and min(given.shape[1], given.shape[3]) <= MOST_CHANNELS:
        raise InputError(
            f"images have shape {given.shape}: films of {given.shape[1]} frames, or images with colour channels; make "
            f"images 0 or 1 without channels, as by images.max({1 if given.shape[1] <= MOST_CHANNELS else 3}), or give "
            f"cycles={given.shape[1]} for films"
        )
    if cycles is not None and whole_number("cycles", cycles) != given.shape[1]:
        raise InputError(f"cycles is {cycles}, but the films have {given.shape[1]} frames, one a cycle")
    return images(given.reshape(-1, *given.shape[2:])).reshape(given.shape), given.shape[1]


def instance(name: str, value: Any, kind: type, how: str) -> Any:
    """An object of `kind`, which `how` says how to get."""
    if not isinstance(value, kind):
        raise InputError(f"{name} is {shown(value)}; it must be {how}")
    return value


def set_fields(frozen: Any, **fields: Any) -> None:
    """Give a frozen dataclass, while it is made, `fields` that have been checked."""
    for field, value in fields.items():
        object.__setattr__(frozen, field, value)


def image_shape(value: Any) -> tuple[int, int]:
    """(H, W) of images."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        with suppress(InputError):
            height, width = (whole_number("image_shape", side, 1, 10**5) for side in value)
            return height, width
    raise InputError(f"image_shape is {shown(value)}; it must be (H, W), two numbers of at least 1")


def labels(value: Any, name: str, n_axes: int) -> np.ndarray:
    """Labels of pixels as int64: whole numbers from 0, on `n_axes` axes."""
    axes = {1: "(P,)", 2: "(H, W)", 3: "(N, H, W)", 4: "(N, cycles, H, W)"}[n_axes]
    given = array(name, value, f"an array {axes}")
    given = without_channel(given) if n_axes == 3 else given
    if given.ndim != n_axes:
        raise InputError(f"{name} has shape {given.shape}; it must be {axes}, an array of whole numbers")
    if given.dtype.kind == "f" and not (np.isfinite(given).all() and (given == np.round(given)).all()):
        wrong = given[~np.isfinite(given) | (given != np.round(given))][0]
        raise InputError(f"{name} holds {wrong}; labels must be whole numbers from 0")
    if given.size and not 0 <= given.min() <= given.max() <= LARGEST_NUMBER:
        wrong = given.min() if given.min() < 0 else given.max()
        raise InputError(f"{name} holds {wrong}; labels must be whole numbers from 0 to {LARGEST_NUMBER}")
    return given.astype(np.int64)


def labels_of(shape: tuple[int, ...], value: Any, name: str) -> np.ndarray:
    """Labels of the pixels of images of `shape` (…, H, W), as int64: no more groups than an image has pixels."""
    given, n_pixels = labels(value, name, len(shape)), shape[-2] * shape[-1]
    if given.shape != shape:
        raise InputError(f"{name} has shape {given.shape}; it must be {shape}, as the images have")
    if given.max(initial=0) > n_pixels:
        raise InputError(f"{name} go up to {given.max()} in images of {n_pixels} pixels; number the groups from 1 on")
    return given


def same_shape(**arrays: np.ndarray) -> None:
    """Two arrays of one shape."""
    (name, first), (other, second) = arrays.items()
    if first.shape != second.shape:
        raise InputError(f"{name} {first.shape} and {other} {second.shape} must have the same shape")


def spike_trains(value: Any, name: str, axes: str, n_axes: int, empty: bool = False) -> np.ndarray:
    """Spikes or real values on `n_axes` axes, which `axes` names; finite, no axis of them `empty` unless allowed."""
    given = array(name, value, f"an array {axes}")
    if given.ndim != n_axes or (0 in given.shape and not empty):
        raise InputError(
            f"{name} have shape {given.shape}; they must be {axes}" + ("" if empty else ", none of them 0")
        )
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise InputError(f"{name} hold {given[~np.isfinite(given)][0]}; they must be finite")
    return given


def spikes(value: Any, axes: str, n_axes: int, empty: bool = False) -> np.ndarray:
    """Spikes, 0 or 1, as bool."""
    given = spike_trains(value, "spikes", axes, n_axes, empty)
    if given.dtype.kind != "b" and not ((given == 0) | (given == 1)).all():
        wrong = given[(given != 0) & (given != 1)][0]
        raise InputError(f"spikes hold {wrong}; they must be True or False, 0 or 1")
    return given.astype(bool)


def refractory_times(value: Any, shape: tuple[int, ...], most: int) -> np.ndarray:
    """r of each pixel of images of `shape` (N, H, W), int8, from one number, (H, W) or (N, H, W)."""
    if n_axes(value) == 0:
        whole_number("refractory", value, -LARGEST_NUMBER)
    given = array("refractory", value, "a whole number, or an array of them")
    if given.dtype.kind not in "iu":
        raise InputError(f"refractory is of type {given.dtype}; it must be a whole number, or an array of them")
    if given.shape not in ((), shape[1:], shape):
        raise InputError(f"refractory has shape {given.shape}; it must be one number, {shape[1:]} or {shape}")
    if given.min() < 0 or given.max() > most:
        wrong = given.min() if given.min() < 0 else given.max()
        raise InputError(f"refractory is {wrong}; it must be from 0 to {most} steps")
    return np.broadcast_to(given.astype(np.int8), shape)


def numbers_of_groups(name: str, value: Any, n_images: int, most: int, least: int = 1) -> np.ndarray:
    """A number for each image, (N,) int64, from one number or one for each."""
    if n_axes(value) == 0:
        given = np.asarray(whole_number(name, value, least, most))
    else:
        given = array(name, value, "a whole number, or one for each image")
    if given.dtype.kind not in "iu":
        raise InputError(f"{name} is of type {given.dtype}; it must be a whole number from {least} to {most}")
    if given.shape not in ((), (n_images,)):
        raise InputError(f"{name} has shape {given.shape}; it must be one number, or {n_images} of them")
    for wrong in given[(given < least) | (given > most)]:
        raise InputError(f"{name} is {wrong}; it must be a whole number from {least} to {most}")
    return np.broadcast_to(given.astype(np.int64), (n_images,))


def stream_indices(value: Any, n_images: int) -> np.ndarray:
    """Numbers of the random streams of the images, (N,) int64; by default 0 … N − 1."""
    if value is None:
        return np.arange(n_images)
    given = array("indices", list(value) if isinstance(value, (range, set, map)) else value, "a list")
    if given.shape != (n_images,) or given.dtype.kind not in "iu" or given.min() < 0 or given.max() > LARGEST_SEED:
        raise InputError(
            f"indices is {shown(value)}; indices must be {n_images} whole numbers from 0, one for each image"
        )
    return given.astype(np.int64)


def path(name: str, value: Any, suffix: str | None = None) -> Path:
    """A path, which ends in `suffix` if that is given."""
    if not isinstance(value, (str, os.PathLike)) or not str(value).strip():
        raise InputError(f"{name} is {shown(value)}; it must be a path")
    try:
        result = Path(value)
        os.stat(result)  # unless the system cannot have such a path
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{name} is {shown(value)}; it cannot be a path ({reason})") from None
    if suffix is not None and result.suffix != suffix:
        raise InputError(f"{name} is {shown(str(result))}; it must end in {suffix}")
    return result


def new_file(name: str, value: Any) -> Path:
    """The path of a file that is to be written, over one that may be there."""
    file = path(name, value)
    nearest = nearest_existing(file)
    if file.is_dir() or (nearest != file and not nearest.is_dir()):
        what = "a folder" if file.is_dir() else f"in {nearest}, which is a file"
        raise InputError(f"{name} is {shown(str(value))}, {what}; name a file")
    return file


def folder(name: str, value: Any) -> Path:
    """The path of a folder, which need not be there yet."""
    result = path(name, value)
    nearest = nearest_existing(result)
    if not nearest.is_dir():
        raise InputError(f"{name} is {shown(str(value))}, but {nearest} is a file; name a folder")
    return result


def device(value: Any, name: str = "device") -> "torch.device":
    """The device called so, if this machine has it: cpu, cuda or cuda:N."""
    import torch  # slow, and commands check their options before

    try:
        found = torch.device(value) if isinstance(value, (str, torch.device)) else None
    except RuntimeError:
        found = None
    if found is None or found.type not in ("cpu", "cuda") or (found.type == "cpu" and found.index):
        text = shown(str(value)) if isinstance(value, torch.device) else shown(value)
        raise InputError(f"{name} {text} is unknown; use cpu, cuda or cuda:N")
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"{name} {shown(str(value))} is not on this machine ({torch.cuda.device_count()} GPUs); use cpu"
        )
    return found


def memory(n_bytes: int, what: str, remedy: str) -> None:
    """That `n_bytes` of memory are free for `what`."""
    free = available_bytes()
    if free is not None and n_bytes > free:
        raise InputError(f"{what} would take {_size(n_bytes)}, and {_size(free)} of memory are free; {remedy}")


def memory_of_pairs(first: int, second: int, what: str) -> None:
    """That memory is free for a table of `first` × `second` numbers, and what is computed with it."""
    memory(4 * 8 * first * second, f"a table of {first}×{second} {what}", "take a smaller image, or a part of it")


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:.1f} MB"


def available_bytes() -> int | None:
    """Memory that this process can still have, as far as the system says."""
    limits = []
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        limits.append(1024 * int(fields["MemAvailable"].split()[0]))
    except (OSError, KeyError, ValueError):
        try:
            limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        except (AttributeError, OSError, ValueError):
            pass
    try:  # a container of less memory than the machine
        with (
            open("/sys/fs/cgroup/memory.max", encoding="ascii") as most,
            open("/sys/fs/cgroup/memory.current", encoding="ascii") as now,
        ):
            limits.append(int(most.read()) - int(now.read()))
    except (OSError, ValueError):
        pass
    try:  # ulimit -v, as some clusters set it
        import resource

        if (limit := resource.getrlimit(resource.RLIMIT_AS)[0]) != resource.RLIM_INFINITY:
            with open("/proc/self/statm", encoding="ascii") as pages:
                limits.append(max(limit - resource.getpagesize() * int(pages.read().split()[0]), 0))
    except (ImportError, OSError, ValueError):
        pass
    return min(limits, default=None)
