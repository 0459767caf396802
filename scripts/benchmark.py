"""The command ``python scripts/benchmark.py``."""

from dasbe.datasets.catalogue import TABLE_DATASETS, settings_of
from dasbe.support.cli import Parser, given_once, run_command
from dasbe.support.paths import network_path, results_folder, writable
from dasbe.support.published import CYCLES_TABLE


def main() -> None:
    shipped = [name for name in TABLE_DATASETS if network_path(name).is_file()]
    parser = Parser(
        "python scripts/benchmark.py",
        "Time everything against its literal form and against what the machine allows, in one run.",
    )
    parser.add_text("datasets", f"default: {', '.join(shipped)}", shipped, nargs="*")
    parser.add_whole_number("--images", 200, "for the batched forms (default: %(default)s)", 1, 54000)
    parser.add_whole_number("--literal-images", 3, "for the literal forms (default: %(default)s)")
    parser.add_whole_number("--cycles", CYCLES_TABLE, "default: %(default)s")
    parser.add_argument(
        "--growth", action="store_true", help="growth with batch, image, latent layer and cycles as well"
    )
    options = parser.parse_args()
    given_once("datasets", options.datasets)
    for dataset in options.datasets:
        settings_of(dataset)
    writable(results_folder() / "benchmark")

    from dasbe.experiments.benchmark import run_benchmark

    run_benchmark(options)


if __name__ == "__main__":
    run_command(main)
