"""What the README shows works: its code runs, has the types and shapes it says, and its paths exist."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dasbe.datasets import make_dataset

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = "\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
SHAPES = re.compile(r"^(\S+)(?: = .*|)  # (bool|int|float|uint8), \(([^)]*)\)", re.MULTILINE)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """The names that the README's code leaves behind, run on the first images of shapes."""
    home = tmp_path_factory.mktemp("home")
    (home / "tmp_net").symlink_to(ROOT / "tmp_net")
    make_dataset("shapes", home / "tmp_data", {"multi": 100, "test": 1, "single": 1}, progress=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DASBE_HOME", str(home))
        namespace: dict = {}
        exec(compile(CODE, "README.md", "exec"), namespace)
    return namespace


def test_the_code_gives_what_its_comments_say(names):
    shown = SHAPES.findall(CODE)
    assert {name for name, _, _ in shown} >= {"run.spikes", "labels", "scores"}
    for name, kind, axes in shown:
        value = eval(name, names)
        shape = tuple(int(re.match(r"\d+", axis.strip())[0]) for axis in axes.split(",") if axis.strip())
        assert value.shape == shape and value.dtype.kind == {"bool": "b", "int": "i", "float": "f", "uint8": "u"}[kind]
    assert np.mean(names["scores"]) > 0.85


def test_the_code_has_the_types_it_needs(tmp_path):
    (tmp_path / "readme.py").write_text(CODE, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(tmp_path / "readme.py")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.quick
def test_paths_exist():
    """Every file that the README links to or names with its folder."""
    linked = re.findall(r"\]\((?!http)([^)#]+)\)", TEXT)
    named = re.findall(r"`((?:dasbe|scripts|tests|notebooks|tmp_net)/[\w./]+)`", TEXT)
    assert len(linked) > 10 and len(named) > 10
    assert [path for path in {*linked, *named} if not (ROOT / path).exists() and "NAME" not in path] == []
