"""Systems scored on the images of a file, and tables of the scores."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("evaluate")

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dasbe
from dasbe.support import checks
from dasbe.support.commands import resumable
from dasbe.support.paths import displayed


def evaluate_file(
    *,
    data: str,
    systems: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    split: str | None = None,
    images: int | None = None,
    network: str | None = None,
    count: bool = False,
    device: str = "cpu",
    **options: Any,
) -> None:
    """Score systems on the first `images` of a file or dataset, and write tables and a picture to the folder `out`.

    Parameters are those of :func:`dasbe.load_dataset` and :func:`dasbe.evaluate`, to which all
    `options` go; with `count`, the systems are not given the number of objects.
    """
    checks.device(device, "--device")
    chosen, groups = dasbe.load_dataset(data, split, stop=images)
    with resumable():
        evaluation = dasbe.evaluate(
            chosen,
            groups,
            None if network is None else dasbe.load_network(network),
            systems,
            seeds=seeds,
            n_objects=None if count else "true",
            device=device,
            **options,
            store=out / "units",
            progress=True,
        )
    for path in evaluation.save(out):
        print(f"written: {displayed(path)}")
    print(f"\n{evaluation}")
