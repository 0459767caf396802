"""How commands begin and end: options before any heavy import, Ctrl-C at any moment, output that cannot be written."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [*ROOT.glob("*.py"), *(ROOT / "scripts").glob("*.py"), *(ROOT / "dasbe").rglob("*.py")]
CALLS = re.compile(r"^    run(_command\(main|_command\(choose|\(\"\w+\".*)\)$", re.MULTILINE)
COMMANDS = [str(path) for path in SOURCES if CALLS.search(path.read_text(encoding="utf-8"))]
UNKNOWN = {  # options with a name that there is not, by the end of the command's path
    "datasets/__main__.py": ["circles"],
    "train/__main__.py": ["circles"],
    "try_candidates.py": ["circles"],
    "heldout.py": ["circles"],
    "benchmark.py": ["circles"],
    "dasbe/__main__.py": ["circles"],
    "bind.py": ["--dataset", "circles"],
    "dasbe_example.py": ["--dataset", "circles"],
    "table1.py": ["--systems", "circles"],
    "figure3.py": ["--palette", "circles"],
}

# runs command lines one after another; prints their statuses, their output, and the packages that they imported
RUN_ALL = """
import contextlib, io, json, runpy, sys
before, results = set(sys.modules), []
for path, *options in json.loads(sys.argv[1]):
    sys.argv, output = [path, *options], io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as ended:
            results.append((ended.code, output.getvalue()))
packages = {name.partition(".")[0] for name in set(sys.modules) - before} - {*sys.stdlib_module_names}
print(json.dumps([results, sorted(packages)]))
"""

# runs a command of which a stranger's code sends SIGINT when a module is imported, as a user's hand would
INTERRUPT = """
import os, runpy, signal, sys
class Hand:
    def find_spec(self, name, path=None, target=None):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)
moment, path, *options = sys.argv[1:]
sys.argv = [path, *options]
sys.meta_path.insert(0, Hand())
runpy.run_path(path, run_name="__main__")
"""


def python(*arguments, flags=(), **options):
    usual = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
    environment = {**os.environ, **usual, **options.pop("environment", {})}
    command = [sys.executable, *flags, *map(str, arguments)]
    return subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, timeout=60, **options)


@pytest.fixture
def ended(tmp_path):
    """`ended(main)`: how a command ends whose `main` has this body: status, output, errors."""

    def run(main, stdout=subprocess.PIPE, environment=None, **options):
        code = "import os, signal, sys, time\nfrom dasbe.support.commands import resumable, run_command\n"
        code += "def main():\n" + "".join(f"    {line}\n" for line in main.splitlines()) + "run_command(main)"
        (tmp_path / "command.py").write_text(code, encoding="utf-8")
        environment = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", **(environment or {})}
        result = python("-m", "command", stdout=stdout, environment=environment, **options)
        return result.returncode, result.stdout, result.stderr

    return run


@pytest.mark.parametrize("flags", [(), ("-OO",)], ids=["", "without docstrings"])
def test_options_are_read_before_anything_heavy_is_imported(flags):
    assert len(COMMANDS) >= 12
    wrong = [[path, "--nonsense"] for path in COMMANDS]
    unknown = [[path, *options] for path in COMMANDS for end, options in UNKNOWN.items() if path.endswith(end)]
    lines = [*([path, "--help"] for path in COMMANDS), *wrong, *unknown]
    result = python("-c", RUN_ALL, json.dumps(lines), flags=flags, stdout=subprocess.PIPE)
    assert result.returncode == 0, result.stderr
    results, packages = json.loads(result.stdout)
    assert "dasbe" in packages and not {"torch", "numba", "matplotlib", "h5py", "scipy"} & {*packages}
    for line, (status, output) in zip(lines, results, strict=True):
        if line[1:] == ["--help"]:
            paragraphs = output.split("\n\n")
            assert status == 0 and paragraphs[0].startswith("usage: "), line
            assert len(paragraphs[1].split()) >= 4 and paragraphs[1].strip().endswith((".", "?")), line
        else:
            assert status == 2 and output.startswith("error: ") and output.count("\n") == 1, (line, output)
            assert "circles" not in line or ("circles" in output and " some of " in output or " one of " in output)


@pytest.mark.parametrize("module", ["dasbe.support.checks", "numpy", "torch._C", "matplotlib"])
def test_ctrl_c_during_imports(module, tmp_path):
    command = ROOT / "dasbe" / "experiments" / "figure3.py"
    result = python("-c", INTERRUPT, module, command, "--draw-only", "--out", tmp_path, stdout=subprocess.DEVNULL)
    assert (result.returncode, result.stderr) == (130, "interrupted\n")


AGAIN = "os.kill(os.getpid(), signal.SIGINT)"
HAND = f"{AGAIN}; time.sleep(5)"


def test_ctrl_c_during_work(ended):
    assert ended(f"try:\n    {HAND}\nfinally:\n    print('tidied up')") == (130, "tidied up\n", "interrupted\n")
    goes_on = f"with resumable():\n    {HAND}"
    assert ended(goes_on) == (130, "", "interrupted; the same command goes on from here\n")


def test_ctrl_c_where_python_can_raise_nothing_is_not_lost(ended):
    main = f"class Object:\n    def __del__(self):\n        {HAND.replace('5', '0')}\nObject()\ntime.sleep(5)"
    assert ended(main) == (130, "", "interrupted\n")


def test_ctrl_c_within_exec_ends_with_the_same_status(ended):
    assert ended(f"exec('import os, signal, time; {HAND}')") == (130, "", "interrupted\n")


def test_a_second_ctrl_c_changes_nothing(ended):
    assert ended(f"try:\n    {HAND}\nfinally:\n    {AGAIN}; print('tidied up')") == (
        130,
        "tidied up\n",
        "interrupted\n",
    )
    late = "import atexit; atexit.register(lambda: print(signal.getsignal(signal.SIGINT).name))\n"
    assert ended(late + HAND) == (130, "SIG_IGN\n", "interrupted\n")
    assert ended(late) == (0, "SIG_IGN\n", "")


def test_ctrl_c_is_left_ignored_where_a_shell_has_ignored_it(ended):
    ignore = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    assert ended("os.kill(os.getpid(), signal.SIGINT); print('done')", **ignore) == (0, "done\n", "")


def test_output_that_a_terminal_cannot_show(ended):
    for environment in ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}):
        assert ended("print('99.8 ± 0.01')", environment=environment) == (0, "99.8 \\xb1 0.01\n", "")


@pytest.mark.parametrize("lines", [1, 100000])
def test_output_that_nobody_reads_any_more(ended, lines):
    reader, writer = os.pipe()
    os.close(reader)
    assert ended(f"print({lines} * 'line ')", stdout=writer) == (141, None, "")
    os.close(writer)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_output_on_a_full_disk(ended):
    with open("/dev/full", "w") as full:
        status, _, errors = ended("print('line')", stdout=full)
    assert status == 2 and errors.startswith("error: No space left on device: ") and errors.count("\n") == 1
