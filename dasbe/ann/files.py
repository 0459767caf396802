"""Network files: weights and a readable description, loaded without executing code.

``NAME.pt`` holds the weights and, as JSON text, the description; ``NAME.json`` beside
it is the description alone, for readers and for ``git diff``. Files are read with
``torch.load(weights_only=True)``, so that a file cannot run anything.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from dasbe.ann.architecture import Architecture
from dasbe.ann.autoencoder import Autoencoder
from dasbe.support import checks
from dasbe.support.commands import typed
from dasbe.support.errors import InputError, MissingFileError
from dasbe.support.paths import SHIPPED_NETWORKS, network_folder, network_names, network_path, readable
from dasbe.support.storage import Unfit, atomic_path, load_tensors, save_tensors, tuples, untrusted


def save_network(path: Path | str, network: Autoencoder, description: dict | None = None) -> None:
    """Write a network to ``path`` (.pt) and its description beside it (.json), atomically.

    Weights that are the same in half precision are written so, in half the space.

    Parameters
    ----------
    path : path ending in .pt
    network : Autoencoder
        The layers of any other module are not described by a file of weights: save its
        ``state_dict()`` with ``torch.save``, or, if they are all linear, make it an
        Autoencoder with :func:`dasbe.autoencoder`.
    description : dict, optional
        Values that JSON can hold; the architecture is added. By default ``network.description``.

    Raises
    ------
    InputError
        An argument is wrong, or there cannot be such a file.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> network = dasbe.autoencoder([np.ones((9, 2)), np.zeros(2), np.ones((2, 9)), np.zeros(9)], image_shape=(3, 3))
    >>> dasbe.save_network("small.pt", network, {"remark": "all weights are 1"})
    >>> dasbe.load_network("small.pt").description["remark"]
    'all weights are 1'
    """
    path = checks.path("path", path, ".pt")
    checks.instance(
        "network",
        network,
        Autoencoder,
        "an Autoencoder; of a module of your own, save the weights with torch.save(network.state_dict(), path), or, "
        "if its layers are all nn.Linear, make it one with dasbe.autoencoder(network.state_dict())",
    )
    description = network.description if description is None else description
    checks.instance("description", description, dict, "a dictionary of values that JSON can hold")
    architecture = asdict(network.architecture)
    if description.get("architecture", architecture) not in (architecture, json.loads(json.dumps(architecture))):
        raise InputError("description holds another architecture than the network has; leave it out")
    try:
        full = {"architecture": architecture} | description | {"architecture": architecture}
        text = json.dumps(full, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"description holds what JSON cannot ({error}); leave it out, or make it text") from None
    weights = {key: _stored(value.detach().cpu().contiguous()) for key, value in network.state_dict().items()}
    save_tensors(path, {"description": text, "weights": weights})
    with atomic_path(path.with_suffix(".json")) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _stored(values: torch.Tensor) -> torch.Tensor:
    """`values` in half precision if nothing is lost by it."""
    half = values.half()
    return half if torch.equal(half.to(values.dtype), values) else values


def weights_hash(network: nn.Module) -> str:
    """SHA-256 of the architecture and the weights, the same for two files of the same network.

    A module other than an Autoencoder has its printed form for an architecture.
    """
    described = json.dumps(asdict(network.architecture)) if isinstance(network, Autoencoder) else repr(network)
    digest = hashlib.sha256(described.encode())
    for key, value in sorted(network.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def load_network(name: str | Path, device: torch.device | str = "cpu") -> Autoencoder:
    """Load a trained network.

    Parameters
    ----------
    name : str or path
        Name of a network in ``tmp_net/`` (``"shapes"``) or of one installed with the package,
        or the path of a ``.pt`` file.
    device : torch.device or str

    Returns
    -------
    Autoencoder
        In evaluation mode; ``network.encoder``, ``network.decoder``, and
        ``network(x) -> (y, latent)`` for x (M, H·W) in [0, 1]. Its description is
        ``network.description``.

    Raises
    ------
    MissingFileError
        There is no such file.
    FileContentError
        The file is not a network file, is damaged, carries code, or holds weights that are not finite.

    Examples
    --------
    >>> import torch, dasbe
    >>> network = dasbe.load_network("shapes")
    >>> y, latent = network(torch.zeros(1, 28 * 28))
    >>> y.shape, latent.shape
    (torch.Size([1, 784]), torch.Size([1, 400]))
    """
    name, device = checks.path("name", name), checks.device(device)
    path = network_path(name)
    if not path.is_file():
        known = ", ".join(network_names())
        raise MissingFileError(
            f"network '{name}' is not there ({readable(path)}); "
            + (f"choose one of {known}, " if known else "")
            + f"give the path of a .pt file, or train it with: {typed('train', 'NAME')}"
        )
    content = load_tensors(path, remedy=_remedy(path))
    with untrusted(path, remedy=_remedy(path), damaged="is not a network file of dasbe", passed_on=True):
        description = json.loads(content["description"])
        network = Autoencoder(Architecture(**tuples(description["architecture"])))
        network.load_state_dict(content["weights"])
        for key, values in network.state_dict().items():
            if not values.isfinite().all():
                raise Unfit(f"it holds weights that are NaN or infinite ({key})")
    network.description = description
    return network.to(device).eval()


def _remedy(path: Path) -> str:
    """What to do about a network file that cannot be used."""
    if path.parent in (SHIPPED_NETWORKS, network_folder()):
        return f"train it again with: {typed('train', path.stem, '--force')}"
    return f"fetch it again, or train a network with: {typed('train', 'NAME')}"
