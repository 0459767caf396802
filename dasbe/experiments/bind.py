"""The command ``python -m dasbe.experiments.bind``, which ``dasbe_example.sh`` runs."""

import time

from dasbe.datasets.catalogue import TABLE_DATASETS, settings_of
from dasbe.support.cli import Parser, given_apart, run_command
from dasbe.support.commands import called
from dasbe.support.paths import readable, results_folder, writable

INDEX = 1109  # the image of the paper's Figure 4


def main(program: str | None = None) -> None:
    parser = Parser(program or called("bind"), "Bind one image: which of its pixels belong together?")
    parser.add_text("--dataset", f"{', '.join(TABLE_DATASETS)} (default: %(default)s)", "shapes")
    parser.add_whole_number("--index", None, f"image of train_multi (default: {INDEX})", 0)
    parser.add_file("--image", "an image file of your own, in place of --index")
    parser.add_whole_number("--groups", None, "objects + background (default: the ground truth's; with --image, found)")
    parser.add_text("--network", "default: the network of the dataset", metavar="NAME|FILE")
    parser.add_seed(111)
    parser.add_whole_number("--cycles", 30, "default: %(default)s")
    parser.add_whole_number("--delay", None, "steps in a cycle (default: as published for the dataset)")
    parser.add_whole_number("--refractory", None, "silent steps after a spike (default: as published)", 0, 127)
    parser.add_folder("--out", "default: results/example", results_folder() / "example")
    parser.add_argument("--html", action="store_true", help="also write a web page that plays the spikes")
    parser.add_device()
    options = parser.parse_args()
    given_apart(options, "--image", "--index")
    writable(options.out, "--out DIR")
    published = settings_of(options.dataset)

    from dasbe.ann.files import load_network
    from dasbe.binding.loop import bind
    from dasbe.binding.readout import group
    from dasbe.datasets import ensure_dataset, load_dataset
    from dasbe.datasets.images import load_image
    from dasbe.experiments.example import draw
    from dasbe.metrics import ami
    from dasbe.support import checks

    started, device = time.perf_counter(), checks.device(options.device, "--device")
    network = load_network(options.network or options.dataset, device)
    groups, n_groups = None, options.groups
    if options.image:
        images = load_image(options.image, network.architecture.image_shape)[None]
    else:
        ensure_dataset(options.dataset)
        index = INDEX if options.index is None else options.index
        images, groups = load_dataset(options.dataset, "train_multi", index, index + 1)
        n_groups = int(groups.max()) + 1 if n_groups is None else n_groups

    delay = published.delay if options.delay is None else options.delay
    refractory = published.refractory if options.refractory is None else options.refractory
    timing = {"delay": delay, "refractory": refractory, "cycles": options.cycles}
    record = ("spikes", "feedback") if options.html else ("spikes",)
    run = bind(images, network, **timing, seed=options.seed, record=record, device=device)
    labels = group(run, n_groups)
    files = draw(options.out, run, labels, network, groups, html=options.html)

    objects = f"{labels.max()} object" + "s" * int(labels.max() != 1)
    result = f"found {objects}" if n_groups is None else f"grouped into {objects} (told)"
    print(result if groups is None else f"AMI: {100 * ami(groups, labels)[0]:.1f} %")
    print("written:", *map(readable, files), sep="\n  ")
    print(f"time: {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    run_command(main)
