"""The command ``python -m dasbe.experiments.heldout``.

Every system that works with such a network is scored, so Reconstruction Clustering (RC) beside DASBE; by AMI as
everywhere, normalised by the mean of the entropies, and by the larger entropy, as RC's authors had it.
"""

import json
import time

from dasbe.support.cli import Parser, given_once, run_command
from dasbe.support.commands import called
from dasbe.support.paths import network_path, readable, results_folder, writable
from dasbe.support.published import (
    CYCLES_TABLE,
    HELD_OUT_IMAGES,
    HELD_OUT_MOST,
    HELD_OUT_SEED,
    HELD_OUT_SPLIT,
    HELD_OUT_START,
    table1_ami,
)
from dasbe.systems import SYSTEMS
from dasbe.train.recipes import RECIPES, training_recipe

SCORED = ("dasbe", "rc")  # systems of SYSTEMS, each on all images


def main() -> None:
    parser = Parser(
        called("heldout"),
        "AMI of the shipped networks on images that Table 1 does not use.",
    )
    shipped = [name for name in RECIPES.judged_by("dasbe") if network_path(name).is_file()]
    parser.add_text("networks", f"default: {', '.join(shipped)}", shipped, nargs="*")
    parser.add_whole_number("--images", HELD_OUT_IMAGES, "default: %(default)s", 1, HELD_OUT_MOST)
    parser.add_seed(HELD_OUT_SEED)
    parser.add_device()
    arguments = parser.parse_args()
    given_once("networks", arguments.networks)
    datasets = {name: training_recipe(name).dataset for name in arguments.networks}
    path = writable(results_folder() / "heldout") / "ami.json"

    import numpy as np
    from tqdm import tqdm

    from dasbe.ann.files import load_network
    from dasbe.datasets import ensure_dataset
    from dasbe.evaluation.segment import held_out_scores, mean_and_error
    from dasbe.support import checks
    from dasbe.support.provenance import provenance
    from dasbe.support.storage import atomic_path

    device = checks.device(arguments.device, "--device")

    scores: dict[str, dict[str, list[float]]] = {system: {} for system in SCORED}
    by_larger_entropy: dict[str, dict[str, list[float]]] = {system: {} for system in SCORED}
    titles = "".join(f"{SYSTEMS[system].title:>22} {'± s.e.':>7} {'by larger':>9}" for system in SCORED)
    print(f"{'network, AMI %':<25} {'published':>10}{titles} {'s':>7}")
    for name, dataset in datasets.items():
        network = load_network(name, device)
        ensure_dataset(dataset)
        started = time.perf_counter()
        cells = ""
        with tqdm(total=len(SCORED) * arguments.images, desc=name, unit=" images", leave=False) as bar:
            for system in SCORED:
                chunks = []
                for chunk in held_out_scores(system, network, dataset, arguments.images, arguments.seed, device):
                    chunks.append(chunk)
                    bar.update(len(chunk))
                values = np.concatenate(chunks)
                mean, error = mean_and_error(values[:, 0])
                by_larger = mean_and_error(values[:, 1])[0]
                cells += f"{100 * mean:22.2f} {100 * error:7.2f} {100 * by_larger:9.2f}"
                scores[system][name] = values[:, 0].tolist()
                by_larger_entropy[system][name] = values[:, 1].tolist()
        published = table1_ami("dasbe", dataset)
        text = f"{published[0]:.1f}" if published else "–"
        print(f"{name:<25} {text:>10}{cells} {time.perf_counter() - started:7.1f}", flush=True)

    images = {"split": HELD_OUT_SPLIT, "start": HELD_OUT_START, "images": arguments.images}
    made = provenance(**images, seed=arguments.seed, cycles=CYCLES_TABLE)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps({"ami": scores, "ami_by_larger_entropy": by_larger_entropy, "made": made}))
    print(f"scores of every image: {readable(path)}")


if __name__ == "__main__":
    run_command(main)
