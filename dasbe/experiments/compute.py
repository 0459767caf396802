"""The command ``python -m dasbe.experiments.compute``."""

from dasbe.experiments.options import comparison_options
from dasbe.support.cli import run_command


def main() -> None:
    options = comparison_options("compute", "AMI against compute: more cycles, runs or steps of every system.")

    from dasbe.experiments.curves import VARIANTS, write_curves
    from dasbe.experiments.variants import compare

    compare(VARIANTS, options, write_curves)


if __name__ == "__main__":
    run_command(main)
