"""AMI of networks on images that Table 1 does not use.

Every system that works with such a network is scored, so Reconstruction Clustering (RC) beside DASBE; by AMI as
everywhere, normalised by the mean of the entropies, and by the larger entropy, as RC's authors had it.
"""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("heldout")

import json
import time
from collections.abc import Mapping
from pathlib import Path

from dasbe.ann.weights import load_network
from dasbe.datasets import ensure_dataset
from dasbe.evaluation.segment import mean_and_error
from dasbe.evaluation.sweep import held_out_scores
from dasbe.support import checks
from dasbe.support.paths import displayed
from dasbe.support.published import CYCLES_TABLE, HELD_OUT_SPLIT, HELD_OUT_START, table1_ami
from dasbe.support.storage import atomic_path, provenance
from dasbe.systems import SYSTEMS

SCORED = ("dasbe", "rc")  # systems, each on all images


def score_networks(*, networks: Mapping[str, str], images: int, seed: int, out: Path, device: str = "cpu") -> None:
    """Print the AMI of `networks`, names with the dataset of each, on so many images, and write that of every image."""
    place, systems = checks.device(device, "--device"), [SYSTEMS[name] for name in SCORED]
    scores: dict[str, dict[str, list[float]]] = {name: {} for name in SCORED}
    by_larger_entropy: dict[str, dict[str, list[float]]] = {name: {} for name in SCORED}
    titles = "".join(f"{system.title:>22} {'± s.e.':>7} {'by larger':>9}" for system in systems)
    print(f"{'network, AMI %':<25} {'published':>10}{titles} {'s':>7}")
    for name, dataset in networks.items():
        network = load_network(name, place)
        ensure_dataset(dataset)
        started, cells = time.perf_counter(), ""
        for system, values in held_out_scores(systems, network, dataset, images, seed, place).items():
            mean, error = mean_and_error(values[:, 0])
            cells += f"{100 * mean:22.2f} {100 * error:7.2f} {100 * mean_and_error(values[:, 1])[0]:9.2f}"
            scores[system][name] = values[:, 0].tolist()
            by_larger_entropy[system][name] = values[:, 1].tolist()
        published = table1_ami("dasbe", dataset)
        text = f"{published[0]:.1f}" if published else "–"
        print(f"{name:<25} {text:>10}{cells} {time.perf_counter() - started:7.1f}", flush=True)

    about = {"split": HELD_OUT_SPLIT, "start": HELD_OUT_START, "images": images, "seed": seed, "cycles": CYCLES_TABLE}
    path = out / "ami.json"
    with atomic_path(path) as temporary:
        made = provenance(**about)
        temporary.write_text(json.dumps({"ami": scores, "ami_by_larger_entropy": by_larger_entropy, "made": made}))
    print(f"scores of every image: {displayed(path)}")
