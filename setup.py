"""Builds the package: what is in pyproject.toml, and the networks and scores that come with the repository."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = {  # files of the repository → their folder, or their name, in an installed package
    "tmp_net/*.pt": "dasbe/networks",
    "tmp_net/*.json": "dasbe/networks",
    "notebooks/table1/scores.npz": "dasbe/experiments/table1_scores.npz",
}


class BuildWithNetworks(build_py):
    """Adds to the built package what the repository has outside of it; an editable install finds that where it is."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for source, built in self._shipped():
                built.parent.mkdir(parents=True, exist_ok=True)
                self.copy_file(str(source), str(built))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        shipped = [] if self.editable_mode else [str(built) for _, built in self._shipped()]
        return [*super().get_outputs(include_bytecode), *shipped]

    def _shipped(self) -> list[tuple[Path, Path]]:
        """Each file, and its path in the built package."""
        root, built = Path(__file__).resolve().parent, Path(self.build_lib)
        pairs = []
        for pattern, place in SHIPPED.items():
            to = built / place
            pairs += [(path, to if to.suffix else to / path.name) for path in sorted(root.glob(pattern))]
        return pairs


setup(cmdclass={"build_py": BuildWithNetworks})
