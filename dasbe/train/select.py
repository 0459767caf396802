"""The command ``python -m dasbe.train.select``."""

from dasbe.support.cli import Parser, run_command
from dasbe.support.commands import called
from dasbe.support.errors import InputError
from dasbe.train.candidates import CANDIDATES

TEST_IMAGES = 10000


def main() -> None:
    parser = Parser(
        called("select"),
        "Train candidates for a network, score each by binding, and write their table.",
    )
    parser.add_text("name", ", ".join(CANDIDATES))
    parser.add_whole_number("--images", 1000, "of the test split (default: %(default)s)", 1, TEST_IMAGES)
    parser.add_device()
    arguments = parser.parse_args()
    if arguments.name not in CANDIDATES:
        raise InputError(f"there are no candidates for '{arguments.name}'; choose one of {', '.join(CANDIDATES)}")

    from dasbe.train.trials import try_candidates

    try_candidates(arguments.name, CANDIDATES[arguments.name], arguments.images, arguments.device)


if __name__ == "__main__":
    run_command(main)
