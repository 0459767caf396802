"""The command ``python -m dasbe.datasets``."""

import sys

from dasbe.datasets.catalogue import DATASETS, dataset_of
from dasbe.support.cli import Parser, given_once, resumable, run_command
from dasbe.support.commands import called
from dasbe.support.errors import InputError
from dasbe.support.paths import readable


def main() -> None:
    parser = Parser(called("datasets"), "Make dataset files, or compare them with the published ones.")
    parser.add_text("names", f"{', '.join(DATASETS)}, or all", nargs="*", metavar="NAME")
    parser.add_folder("--out", "folder of the files (default: tmp_data)")
    parser.add_folder("--mnist", "folder of the four MNIST files (default: see docs/reproduction.md)")
    parser.add_argument("--verify", action="store_true", help="compare the files with the published SHA-256 sums")
    arguments = parser.parse_args()
    if not arguments.names and not arguments.verify:
        raise InputError(f"no dataset named; give some of {', '.join(DATASETS)}, or all")

    given_once("NAME", arguments.names)
    names = list(DATASETS) if not arguments.names or "all" in arguments.names else arguments.names
    for name in names:
        dataset_of(name)

    from dasbe.datasets.store import dataset_path, is_complete, make_dataset, verify
    from dasbe.support.storage import one_at_a_time

    for name in names:
        path = readable(dataset_path(name, arguments.out))
        if arguments.verify:
            faults = verify(name, arguments.out)
            print("\n".join(faults) if faults else f"{path}: all arrays have the SHA-256 sums they should have")
            if faults:
                sys.exit(1)
            continue
        with resumable(), one_at_a_time(dataset_path(name, arguments.out)):
            if is_complete(name, arguments.out):
                print(f"{path}: complete, nothing to do")
            else:
                make_dataset(name, arguments.out, mnist=arguments.mnist)
                print(f"{path}: written")


if __name__ == "__main__":
    run_command(main)
