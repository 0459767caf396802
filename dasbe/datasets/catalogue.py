"""The table of datasets: how each is made, and the settings of the systems on it (paper, section 4 and appendix)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from dasbe.datasets import benchmark_sets, generators
from dasbe.datasets.generators import Block
from dasbe.support.checks import one_of, shown
from dasbe.support.errors import InputError
from dasbe.support.published import DatasetSettings


@dataclass(frozen=True)
class Dataset:
    """A dataset.

    Attributes
    ----------
    name : str
    generator : callable
        Function from a `numpy.random.RandomState` and `sizes` to blocks of images.
    seed : int
    sizes : dict
        Published numbers of images, or of films and their frames.
    settings : DatasetSettings or None
        Settings of the systems of Table 1; None for a dataset that is not in the table.
    needs_mnist : bool
        Whether its images are made from the digits of MNIST.
    form : str
        What its images are: ``"binary"``, (H, W) of 0 and 1; ``"grey"``, (H, W) of 0 to 255; or
        ``"colour"``, (3, H, W) of 0 to 255.
    objects : int, optional
        Largest number of objects in an image, where it has no `settings`.
    """

    name: str
    generator: Callable[..., Iterator[Block]]
    seed: int
    sizes: dict[str, int]
    settings: DatasetSettings | None = None
    needs_mnist: bool = False
    form: str = "binary"
    objects: int = 3

    @property
    def most_objects(self) -> int:
        """Largest number of objects in an image."""
        return self.objects if self.settings is None else self.settings.objects


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "bars",
            generators.bars,
            seed=471958,
            sizes={"multi": 60000, "test": 10000, "single": 200},
            settings=DatasetSettings(delay=54, refractory=6, objects=12),
        ),
        Dataset(
            "shapes",
            generators.shapes,
            seed=265076,
            sizes={"multi": 60000, "test": 10000, "single": 20000},
            settings=DatasetSettings(delay=32, refractory=9, objects=3, threshold_jump=6, threshold_decay=8),
        ),
        Dataset(
            "corners",
            generators.corners,
            seed=746519283,
            sizes={"multi": 60000, "test": 10000, "single": 15000},
            settings=DatasetSettings(delay=28, refractory=8, objects=5),
        ),
        Dataset(
            "multi_mnist",
            generators.multi_mnist,
            seed=36520,
            sizes={"multi": 60000, "test": 10000, "single": 300000},
            settings=DatasetSettings(delay=29, refractory=12, objects=3),
            needs_mnist=True,
        ),
        Dataset(
            "mnist_shape",
            generators.mnist_shape,
            seed=985619,
            sizes={"multi": 60000, "test": 10000, "single": 20000},
            settings=DatasetSettings(delay=29, refractory=9, objects=2),
            needs_mnist=True,
        ),
        Dataset("shapes_with_pos", generators.shapes_with_pos, seed=265076, sizes={"single": 60000}),
        Dataset(
            "moving_shapes",
            generators.moving_shapes,
            seed=265076,
            sizes={"multi": 60, "test": 60, "single": 60, "frames": 1000},
        ),
        Dataset(
            "moving_shapes_3",
            generators.moving_shapes_3,
            seed=265076,
            sizes={"multi": 600, "test": 60, "single": 60, "frames": 200},
        ),
        Dataset(
            "moving_shapes_train", generators.moving_shapes_train, seed=20221, sizes={"single": 1000, "frames": 300}
        ),
    )
}
PAPER_DATASETS = tuple(DATASETS)
"""Those that the paper's figures and table need."""
_THOUSANDS = {"multi": 10000, "validation": 1000, "test": 1000}
_SHAPES_IN = partial(Dataset, seed=20261, sizes=_THOUSANDS, form="colour")
DATASETS |= {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "tagger_shapes",
            benchmark_sets.tagger_shapes,
            seed=265076,
            sizes={"multi": 50000, "validation": 10000, "test": 10000, "single": 10000},
        ),
        *(
            Dataset(
                f"gust_{n}_shapes",
                partial(benchmark_sets.gust_shapes, n_objects=n),
                seed=265076,
                sizes={"multi": 20000, "validation": 1000, "test": 1000},
                objects=n,
            )
            for n in (2, 3, 4)
        ),
        *(
            Dataset(
                f"cae_{n}shapes",
                partial(benchmark_sets.cae_shapes, templates=benchmark_sets.CAE_SHAPES[:n]),
                seed=20262,
                sizes={**_THOUSANDS, "single": 10000},
            )
            for n in (2, 3)
        ),
        Dataset(
            "akorn_shapes",
            benchmark_sets.akorn_shapes,
            seed=20263,
            sizes={"multi": 40000, "validation": 1000, "test": 1000, "single": 20000},
            form="grey",
            objects=4,
        ),
        Dataset(
            "tetrominoes",
            benchmark_sets.tetrominoes,
            seed=20264,
            sizes={**_THOUSANDS, "single": 20000},
            form="colour",
        ),
        *(
            Dataset(
                name,
                partial(benchmark_sets.sprites, shaded=name != "sprites"),
                seed=20265,
                sizes={**_THOUSANDS, "single": 20000},
                form="colour",
                objects=4,
            )
            for name in ("sprites", "sprites_shaded")
        ),
        _SHAPES_IN("shapes_own_colours", benchmark_sets.coloured_shapes),
        _SHAPES_IN("shapes_one_colour", partial(benchmark_sets.coloured_shapes, n_colours=1)),
        _SHAPES_IN("shapes_two_colours", partial(benchmark_sets.coloured_shapes, n_colours=2)),
        _SHAPES_IN("shapes_shaded", partial(benchmark_sets.coloured_shapes, shaded=True)),
        _SHAPES_IN("shapes_on_colour", partial(benchmark_sets.coloured_shapes, ground="coloured")),
        _SHAPES_IN("shapes_on_gradient", partial(benchmark_sets.coloured_shapes, ground="gradient")),
    )
}
BENCHMARK_DATASETS = tuple(name for name in DATASETS if name not in PAPER_DATASETS)
"""Those on which others have measured, and our shapes in colour."""
TABLE_DATASETS = tuple(name for name, dataset in DATASETS.items() if dataset.settings is not None)
"""The rows of Table 1."""


def dataset_of(name: str | Dataset) -> Dataset:
    """The dataset called `name`; a dataset is returned as it is. InputError if there is none of that name."""
    return name if isinstance(name, Dataset) else DATASETS[one_of("dataset", name, DATASETS)]


def settings_of(name: str | Dataset | DatasetSettings) -> DatasetSettings:
    """Settings of the systems on the dataset called `name`; settings are returned as they are.

    Raises
    ------
    InputError
        There is no such dataset, or it has no published settings.
    """
    if isinstance(name, DatasetSettings):
        return name
    if isinstance(name, str) and name not in TABLE_DATASETS:
        raise InputError(f"dataset {shown(name)} is unknown; choose one of {', '.join(TABLE_DATASETS)}")
    settings = dataset_of(name).settings
    if settings is None:
        raise InputError(f"dataset '{dataset_of(name).name}' has no settings; give it some, or DatasetSettings(…)")
    return settings
