"""What README and docs show works: their code runs, files and commands exist, and their tables are those measured."""

import argparse
import csv
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dasbe.evaluation.tables import cell
from dasbe.support import __version__
from dasbe.systems import SYSTEMS

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md")))
}
TABLE1 = (ROOT / "notebooks" / "table1" / "table1.md").read_text(encoding="utf-8")

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
PYTHON = {
    page: "\n".join(body for kind, body in FENCE.findall(text) if kind == "python")
    for page, text in PAGES.items()
    if "```python" in text
}
CODE = {page: code for page, code in PYTHON.items() if page != "docs/own_images.md"}  # which tests/test_docs.py runs
SHAPES = re.compile(r"^ *(\S+)(?: = .*|)  # (bool|int|float|uint8), \(([^)]*)\)", re.MULTILINE)
KINDS = {"bool": "b", "int": "i", "float": "f", "uint8": "u"}

LINK = re.compile(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)")
FOLDERS = "dasbe|scripts|tests|notebooks|tmp_net|docs"
PLACEHOLDERS = {
    "NAME": "bars",
    "NAME…": "bars",
    "FILE": "images.npz",
    "NET.pt": "net.pt",
    "tcp://HOST:8786": "tcp://a:1",
}
BY_THE_STEPS = ("dasbe/systems/stripes.py",)  # files that a reader of CONTRIBUTING.md writes


def spans(text):
    """Inline code of a page, without the blocks."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def anchors(text):
    """What links can point to on a page."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands_on(text):
    """Command lines of a page, each as a list of words."""
    blocks = [body.replace("\\\n", " ") for kind, body in FENCE.findall(text) if kind != "python"]
    lines = [line for body in blocks for line in body.splitlines()]
    for line in (*lines, *spans(text)):
        words = shlex.split(re.sub(r"^ *(PYTHONPATH=\. )?(\.venv/bin/)?", "", line), comments=True)
        if words[:2] == ["python", "-c"] or words == ["./scripts/docs.sh"]:
            continue  # tests/test_docs.py and tests/test_examples.py try these
        if words and (re.fullmatch(r"\./(scripts/)?\w+\.sh", words[0]) or words[0] in ("python", "pytest", "ruff")):
            yield words


def called(words):
    """(command, its options): the module that runs, or the name of another program."""
    program, *options = words
    if program.endswith(".sh"):
        last = (ROOT / program).read_text(encoding="utf-8").splitlines()[-1]
        target = re.fullmatch(r'exec "\$python" (?:-m ([\w.]+)|"\$root/(\w+)\.py")((?: \S+)*) "\$@"', last)
        assert target, f"{program} ends in no call of a command"
        return target[1] or target[2], [*target[3].split(), *options]
    if program == "python" and options[0] == "-m":
        return options[1], options[2:]
    if program == "python":
        assert (ROOT / options[0]).is_file(), options[0]
        return options[0].removesuffix(".py").replace("/", "."), options[1:]
    return program, options


def tables(text):
    """Tables of a page, each a list of rows of cells."""
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [[c.strip() for c in line.strip().strip("|").split("|")] for line in block.splitlines()]
        yield [row for row in rows if not set("".join(row)) <= {"-", ":"}]


def by_cell(table):
    """(row, column) → cell."""
    (_, *columns), *rows = table
    return {(name, column): value for name, *cells in rows for column, value in zip(columns, cells, strict=True)}


@pytest.mark.parametrize("page", CODE)
def test_the_code_runs_and_gives_what_its_comments_say(page, home_with_shapes, shapes, monkeypatch):
    monkeypatch.setenv("DASBE_HOME", str(home_with_shapes))
    namespace: dict = {}
    exec(compile(CODE[page], page, "exec"), namespace)
    for name, kind, axes in SHAPES.findall(CODE[page]):
        value = eval(name.rstrip(","), namespace)
        shape = tuple(int(re.match(r"\d+", axis.strip())[0]) for axis in axes.split(",") if axis.strip())
        assert value.shape == shape and value.dtype.kind == KINDS[kind], name
    if "scores" in namespace:
        assert np.mean(namespace["scores"]) > 0.7
    if page == "CONTRIBUTING.md":
        labels = namespace["SYSTEM"].segment(shapes[0], settings=namespace["Settings"](), n_objects=3)
        assert set(np.unique(labels)) == {0, 1, 2, 3} and not labels[shapes[0] == 0].any()


def test_code_is_where_it_is_looked_for():
    assert {"README.md", "CONTRIBUTING.md"} | {
        f"docs/{page}.md" for page in ("usage", "competing_phases", "reproduction")
    } == set(CODE)
    assert {name for page in CODE for name, _, _ in SHAPES.findall(CODE[page])} >= {"run.spikes", "labels", "scores"}


def test_the_code_has_the_types_it_needs(tmp_path):
    """That of all pages, in one run of mypy, whose cache is its own: that of other options would be thrown away."""
    for page, code in PYTHON.items():
        (tmp_path / f"{Path(page).stem.lower()}.py").write_text(code, encoding="utf-8")
    options = ["--strict", "--follow-imports=silent", "--cache-dir", ".mypy_cache/pages"]
    command = [sys.executable, "-m", "mypy", *options, *map(str, tmp_path.iterdir())]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"in {len(PYTHON)} source files" in result.stdout


@pytest.mark.quick
@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(FENCE.sub("", PAGES[page])):
        path = ((ROOT / page).parent / target).resolve() if target else ROOT / page
        assert path.exists(), f"{page} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(path.read_text(encoding="utf-8")), f"{page} links to {target}#{anchor}"


@pytest.mark.quick
@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page):
    named = [re.fullmatch(rf"(?:{FOLDERS})/[\w./]+", span) for span in spans(PAGES[page])]
    for path in (match[0] for match in named if match):
        assert (ROOT / path).exists() or "NAME" in path or path in BY_THE_STEPS, f"{page} names {path}"


@pytest.mark.quick
def test_every_page_is_linked_from_the_readme():
    linked = {target for target, _ in LINK.findall(PAGES["README.md"])}
    assert {page for page in PAGES if page != "README.md"} <= linked


@pytest.mark.quick
@pytest.mark.parametrize("page", PAGES)
def test_commands_exist_and_take_their_options(page, parser_of):
    for words in commands_on(PAGES[page]):
        if words[0] == "./scripts/test.sh":
            assert words[1:] in ([], ["-m", "quick"], ["-m", "slow"], ["--lowest"], ["--newest"])
            continue
        command, options = called(words)
        if command in ("pytest", "ruff"):
            files = [word for word in options if word.startswith("tests/")]
            assert all((ROOT / file).is_file() for file in files), words
            continue
        options = [PLACEHOLDERS.get(word, word) for word in options]
        if "--help" in options:
            continue
        parser_of(command).parse_args(options)  # raises InputError, which names the option


@pytest.mark.quick
def test_options_that_are_named_alone_exist(parser_of):
    """An option in the text, such as ``--palette colour-blind-safe``, is one of some command."""
    commands = {called(words)[0] for text in PAGES.values() for words in commands_on(text)}
    ours = [command for command in commands if command.startswith(("dasbe", "scripts."))]
    actions: dict[str, list[argparse.Action]] = {}
    for command in ours:
        for option, action in parser_of(command)._option_string_actions.items():
            actions.setdefault(option, []).append(action)
    for page, text in PAGES.items():
        for span in spans(text):
            if span.startswith("--"):
                option, *value = span.split()
                assert option in actions, f"{page} names {option}, which no command has"
                choices = [action.choices for action in actions[option] if action.choices]
                assert not (value and choices) or value[0] in choices[0], f"{page} names {span}"


@pytest.mark.quick
@pytest.mark.parametrize("page", PAGES)
def test_tables_of_scores_agree_with_the_one_that_was_measured(page):
    """Those with the corner "AMI %": each is a part of notebooks/table1/table1.md, to the last digit."""
    measured = by_cell(next(tables(TABLE1)))
    for table in tables(PAGES[page]):
        if table[0][0] == "AMI %":
            for place, value in by_cell(table).items():
                assert value.replace("*", "") == measured[place], f"{page}, {place}: copy it from table1.md"


@pytest.mark.quick
def test_the_measured_table_is_that_of_the_scores():
    """And all of it is in docs/reproduction.md."""
    measured, rows = by_cell(next(tables(TABLE1))), 0
    with (ROOT / "notebooks" / "table1" / "table1.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            title, dataset = SYSTEMS[row["system"]].title, row["dataset"]
            mean, _, deviation = measured[title, dataset].partition(" ± ")
            assert float(mean) == pytest.approx(float(row["ami"]), abs=0.0501)
            deviation = deviation or "nan"  # of one seed
            assert float(deviation) == pytest.approx(float(row["deviation_over_seeds"]), abs=0.00501, nan_ok=True)
            if row["published_ami"]:
                spread = float(row["published_deviation"]) if row["published_deviation"] else None
                assert measured[f"{title} (published)", dataset] == cell((float(row["published_ami"]), spread))
            rows += 1
    assert rows >= 25 and TABLE1 in PAGES["docs/reproduction.md"] and "| AMI % |" in PAGES["README.md"]


@pytest.mark.quick
def test_what_is_cited_has_the_version_of_the_package():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    described = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    newest, date = re.search(r"^## (\S+) – (\S+)$", PAGES["CHANGELOG.md"], re.MULTILINE).groups()
    assert re.search(r"^version: (\S+)$", citation, re.MULTILINE)[1] == described["version"] == newest == __version__
    assert re.search(r'^date-released: "(\S+)"$', citation, re.MULTILINE)[1] == described["datePublished"] == date
