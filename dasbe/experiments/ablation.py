"""The command ``python -m dasbe.experiments.ablation``."""

from dasbe.experiments.options import comparison_options
from dasbe.support.cli import run_command


def main() -> None:
    options = comparison_options(
        "ablation",
        "Competing phases less one ingredient after another, down to Reconstruction Clustering (RC) and DASBE.",
    )

    from dasbe.experiments.variants import VARIANTS, compare, write_variants

    compare(VARIANTS, options, write_variants)


if __name__ == "__main__":
    run_command(main)
