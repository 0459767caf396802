"""The command ``python -m dasbe.train.card``."""

from pathlib import Path

from dasbe.support.cli import Parser, run_command
from dasbe.support.commands import called, typed
from dasbe.support.errors import MissingFileError
from dasbe.support.paths import network_folder, readable
from dasbe.train.recipes import RECIPES


def main() -> None:
    parser = Parser(
        called("card"),
        "Write the model card of all networks in tmp_net/ from their descriptions.",
    )
    parser.add_folder("--folder", "default: tmp_net", network_folder())
    parser.add_text(
        "--seeds", "folders of the same networks trained from other seeds, to be listed", metavar="FOLDER", nargs="+"
    )
    arguments = parser.parse_args()
    folder = arguments.folder
    present = [name for name in RECIPES if (folder / f"{name}.pt").is_file()]
    if not present:
        raise MissingFileError(f"there are no networks in {readable(folder)}; train them with: {typed('train', 'all')}")

    from dasbe.train.model_card import list_seeds, write_card

    if arguments.seeds:
        print(f"written: {readable(list_seeds(present, folder, [Path(seeds) for seeds in arguments.seeds]))}")
    print(f"written: {readable(write_card(present, folder))}")


if __name__ == "__main__":
    run_command(main)
