"""What ``docs/own_images.md`` shows works: its script runs, is short and typed, and its commands give the same."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import dasbe
from dasbe.ann.weights import weights_hash
from dasbe.evaluation import timing

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "own_images.md").read_text(encoding="utf-8")
(SCRIPT,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = "".join(re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)).replace("\\\n", " ").splitlines()
SMALLER = {
    "6000": "200",
    "1500": "4",
    "500": "3",
    "train_network(single)": "train_network(single, dasbe.Recipe(epochs=1))",
}


def run_here(command):
    """What `command` of the page prints, in the working directory."""
    program, *options = shlex.split(command, comments=True)
    assert program == "python"
    options += ["--epochs", "1"] if "dasbe.train" in options else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DASBE_HOME": os.getcwd()}
    result = subprocess.run([sys.executable, *options], env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_script_and_commands_give_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(timing, "pairs", lambda: [(20, 5), (31, 6)])
    script = SCRIPT
    for whole, smaller in SMALLER.items():
        assert whole in script
        script = script.replace(whole, smaller)
    namespace: dict = {}
    exec(compile(script, "own_images.md", "exec"), namespace)
    told, *_, table = capsys.readouterr().out.partition("\n")
    assert Path("grouping.png").stat().st_size > 1000 and "DASBE" in table
    Path("rings.pt").unlink()
    train, suggest, evaluate = COMMANDS
    run_here(train)
    assert weights_hash(dasbe.load_network("rings.pt")) == weights_hash(namespace["network"])
    assert "suggest_timing" in suggest
    evaluate = re.sub(r"--delay \d+ --refractory \d+", told, evaluate)
    printed = run_here(evaluate)
    scores = table[table.index("3 images, one seed") :]
    assert printed.endswith(scores) and scores.count("\n") == 8


@pytest.mark.quick
def test_script_is_short():
    assert len([line for line in SCRIPT.splitlines() if line.strip() and not line.startswith("#")]) <= 40
