"""The docstrings of all public names: what they have to say is there, and their examples give what they show."""

import doctest
import inspect
import re
from pathlib import Path

import pytest

import dasbe
from scripts.docs import write_reference

ROOT = Path(__file__).resolve().parent.parent
NAMES = sorted(set(dasbe.__all__) - {"__version__"})


@pytest.mark.parametrize("name", NAMES)
def test_examples_give_what_they_show(name, home_with_shapes, tmp_path, monkeypatch):
    monkeypatch.setenv("DASBE_HOME", str(home_with_shapes))
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    shown: list[str] = []
    for test in doctest.DocTestFinder().find(getattr(dasbe, name), name, globs={}):
        runner.run(test, out=shown.append, clear_globs=False)
    assert not runner.summarize(verbose=False).failed, "".join(shown)


@pytest.mark.quick
@pytest.mark.parametrize("name", NAMES)
def test_docstrings_have_every_section(name):
    thing = getattr(dasbe, name)
    text = inspect.getdoc(thing) or ""
    sections = {line for line, below in zip(text.splitlines(), text.splitlines()[1:]) if below == "-" * len(line)}
    wanted = {"Examples"}
    if inspect.isfunction(thing):
        wanted |= {"Parameters", "Raises"}
        wanted |= set() if inspect.signature(thing).return_annotation in (None, "None") else {"Returns"}
    assert wanted <= sections
    assert text.partition("Examples\n")[2].count(">>> ") >= 2 and "+SKIP" not in text


def test_the_reference_lists_the_public_names(tmp_path):
    pytest.importorskip("pdoc", reason="./scripts/test.sh installs it")
    write_reference(tmp_path)
    page = (tmp_path / "dasbe.html").read_text(encoding="utf-8")
    assert re.findall(r'<section id="(\w+)">', page) == dasbe.__all__
    assert page.count('<h6 id="examples') >= len(NAMES)
    elsewhere = {"metrics": "victor_purpura_distances", "systems": "SYSTEMS", "evaluation/scores": "Evaluation"}
    for module, name in elsewhere.items():
        assert f'id="{name}"' in (tmp_path / "dasbe" / f"{module}.html").read_text(encoding="utf-8")
