"""The shell scripts: from any folder, by any path, in any environment, and in a checkout that can only be read."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DRIVERS = sorted(path.name for path in ROOT.glob("*.sh"))
STUB = """#!/bin/sh
if [ "$1" = -I ] || [ "$1" = -c ]; then exit 0; fi
printf '%s\\n' "$PYTHONPATH" "$@"
"""  # a Python that has everything, and says what it is asked to run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="shell scripts")


@pytest.fixture
def checkout(tmp_path):
    """A folder with the scripts, and a ``.venv`` whose Python is the stub."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    for name in (*DRIVERS, "requirements.txt", "requirements-test.txt"):
        shutil.copy(ROOT / name, folder)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(STUB)
    python.chmod(0o755)
    (folder / ".venv" / "lib" / "python3" / "site-packages").mkdir(parents=True)
    for name in ("requirements.txt", "requirements-test.txt"):
        shutil.copy(folder / name, folder / ".venv" / f".installed-{name}")
    yield folder
    if folder.exists():
        folder.chmod(0o755)  # or pytest could not remove it


def run(script, *arguments, cwd="/", bind=None, **environment):
    """Run a script as a new shell would."""
    environment = {"PATH": os.environ["PATH"]} | {key: str(value) for key, value in environment.items()}
    place = {"env": environment, "cwd": cwd, "preexec_fn": bind}
    return subprocess.run([str(script), *arguments], **place, capture_output=True, text=True, timeout=60)


def started(result, root):
    """What the stub was asked to run, of a driver that found its checkout."""
    assert result.returncode == 0 and result.stderr == "", result.stderr
    path, *arguments = result.stdout.splitlines()
    assert path.split(os.pathsep)[0] == str(root)
    return arguments


@pytest.mark.parametrize("name", DRIVERS)
def test_drivers_start_their_module(checkout, name):
    assert started(run(checkout / name, "--cycles", "2 3"), checkout)[-2:] == ["--cycles", "2 3"]


def test_a_driver_may_be_called_through_links(checkout, tmp_path):
    places = tmp_path / "places"
    (places / "deep").mkdir(parents=True)
    (places / "folder").symlink_to(checkout)
    (places / "absolute").symlink_to(checkout / "figure2.sh")
    (places / "deep" / "relative").symlink_to("../absolute")
    (places / "through_folder").symlink_to("folder/figure2.sh")
    (places / "deeper").symlink_to("deep")
    for link in ("absolute", "deep/relative", "through_folder", "folder/figure2.sh", "deeper/relative"):
        for script, cwd in ((places / link, "/"), (f"./{link}", places), (places / link, places / "folder")):
            found = started(run(script, "--quick", cwd=cwd), checkout)
            assert found == ["-m", "dasbe.experiments.figure2", "--quick"]
    found = started(run("absolute", cwd="/", PATH=f"{places}:{os.environ['PATH']}"), checkout)
    assert found == ["-m", "dasbe.experiments.figure2"]
    found = started(run("bash", "deep/relative", cwd=places), checkout)
    assert found == ["-m", "dasbe.experiments.figure2"]


def test_without_realpath_a_driver_still_finds_its_own_checkout(checkout, tmp_path):
    """As on old systems; CDPATH leads to another folder of the same name."""
    run(checkout / "figure2.sh")  # the set-up is done
    (tmp_path / "bin").mkdir()
    for tool in ("basename", "bash", "cmp", "dirname", "env", "sh"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    (tmp_path / "other" / checkout.name / "scripts").mkdir(parents=True)
    odd = {"PATH": tmp_path / "bin", "CDPATH": tmp_path / "other"}
    for name in ("figure2.sh", "./figure2.sh"):
        assert started(run("bash", name, cwd=checkout, **odd), checkout) == ["-m", "dasbe.experiments.figure2"]
    result = run("bash", f"{checkout.name}/figure2.sh", cwd=tmp_path, **odd)
    assert started(result, checkout) == ["-m", "dasbe.experiments.figure2"]


@pytest.mark.parametrize(
    "variables",
    (
        {"CDPATH": "/tmp:/usr"},
        {"POSIXLY_CORRECT": 1},
        {"PYTHONHOME": "/none"},
        {"PYTHONHASHSEED": "none"},
        {"TMPDIR": "/none"},
        {"LC_ALL": "C", "TERM": ""},
    ),
    ids=lambda variables: next(iter(variables)),
)
def test_drivers_start_whatever_the_shell_exports(checkout, variables):
    python = checkout / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\n[ -z "$PYTHONHOME" ] || exit 1\n{STUB.removeprefix("#!/bin/sh")}')
    for script, cwd in ((checkout / "figure2.sh", "/"), ("bash", checkout), ("bash", checkout.parent)):
        arguments = (f"{checkout.name}/figure2.sh" if cwd == checkout.parent else "figure2.sh",)
        result = run(script, *(arguments if script == "bash" else ()), cwd=cwd, **variables)
        assert started(result, checkout) == ["-m", "dasbe.experiments.figure2"]
    assert (checkout / ".venv" / "bin" / "python").exists()  # not taken for broken, and made anew


def refusal(result):
    """The one line with which a script refuses to go on."""
    assert result.returncode == 2 and result.stdout == "", result
    (line,) = result.stderr.splitlines()
    return line


def test_an_environment_that_is_not_there_is_named(checkout):
    assert "'/none/bin/python' is not there, or may not be run by this user; activate" in refusal(
        run(checkout / "figure2.sh", VIRTUAL_ENV="/none")
    )
    assert "'/none' is not there, or may not be run by this user; set PYTHON" in refusal(
        run(checkout / "figure2.sh", PYTHON="/none")
    )


def make_read_only(folder):
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)


def test_nothing_is_written_to_a_checkout_that_can_only_be_read(checkout, bound_by_permissions):
    def figure(**environment):
        return run(checkout / "figure2.sh", bind=bound_by_permissions, **environment)

    packages, elsewhere = checkout / ".venv" / "lib" / "python3" / "site-packages", checkout.parent / "venv"
    make_read_only(checkout)
    assert started(figure(), checkout) == ["-m", "dasbe.experiments.figure2"]
    assert list(packages.iterdir()) == []
    checkout.chmod(0o755)
    (checkout / ".venv").chmod(0o755)
    (checkout / ".venv").rename(elsewhere)
    checkout.chmod(0o555)
    assert "cannot be written to, so no .venv can be made there; set PYTHON" in refusal(figure())
    assert started(figure(PYTHON=elsewhere / "bin" / "python"), checkout) == ["-m", "dasbe.experiments.figure2"]
    assert not (checkout / ".venv").exists()


def test_a_new_environment_knows_the_checkout(checkout):
    started(run(checkout / "figure2.sh"), checkout)
    packages = checkout / ".venv" / "lib" / "python3" / "site-packages"
    assert (packages / "dasbe-checkout.pth").read_text() == f"{checkout}\n"


def test_an_environment_knows_where_its_checkout_was_moved(checkout):
    run(checkout / "figure2.sh")
    moved = checkout.rename(checkout.with_name("moved"))
    started(run(moved / "figure2.sh"), moved)
    packages = moved / ".venv" / "lib" / "python3" / "site-packages"
    assert (packages / "dasbe-checkout.pth").read_text() == f"{moved}\n"


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no clone")
def test_scripts_end_their_lines_in_lf_in_every_clone(tmp_path):
    clone = ["git", "clone", "--quiet", "-c", "core.autocrlf=true", str(ROOT), str(tmp_path / "clone")]
    subprocess.run(clone, check=True)
    for path in (*(tmp_path / "clone").rglob("*.sh"), tmp_path / "clone" / ".ci" / "run"):
        assert b"\r" not in path.read_bytes(), path
    for path in ("tmp_net/bars.pt", "notebooks/table1/scores.npz", "notebooks/pictures/raster.png"):
        assert (tmp_path / "clone" / path).read_bytes() == (ROOT / path).read_bytes()


def test_one_driver_at_a_time_sets_up(checkout):
    python = checkout / ".venv" / "bin" / "python"
    (checkout / ".venv" / ".installed-requirements.txt").unlink()
    python.write_text(
        '#!/bin/sh\n[ "$4" = install ] && echo begin >>installed && sleep 1 && echo end >>installed\nexit 0\n'
    )
    environment = {"PATH": os.environ["PATH"]}
    started = [
        subprocess.Popen([checkout / name], cwd=checkout, env=environment, stderr=subprocess.PIPE, text=True)
        for name in DRIVERS[:3]
    ]
    said = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert (checkout / "installed").read_text() == "begin\nend\n"  # once, and not side by side
    assert sum("installing packages" in text and "source .venv/bin/activate" in text for text in said) == 1
    assert {text for text in said if "installing" not in text} == {"waiting for another command that sets up .venv\n"}


@pytest.fixture
def new_checkout(tmp_path):
    """A folder with the scripts, and with a package ``dasbe`` that requires nothing: its set-up takes seconds."""
    folder = tmp_path / 'it\'s "à" $HOME checkout'
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    script = folder / "scripts" / "setup.sh"
    script.write_text(re.sub(r'(setup_modules\+?=)"( ?)[^"]*"', r'\1"\2json"', script.read_text()))
    (folder / "requirements.txt").write_text("# nothing\n")
    (folder / "dasbe" / "experiments").mkdir(parents=True)
    (folder / "dasbe" / "experiments" / "figure2.py").write_text("import random, numbers; print('figure 2')\n")
    shutil.copy(ROOT / "figure2.sh", folder)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    return folder


SAID = "installing packages in .venv: one to three minutes, most of them to download PyTorch\n"
READY = ".venv is ready; for Python of your own: source .venv/bin/activate\n"


def set_up(checkout, **environment):
    """Call a driver of a new checkout, for which there is one interpreter; it works. What it says on the way."""
    path = f"{checkout.parent / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    result = run(checkout / "figure2.sh", PATH=path, **environment)
    assert result.returncode == 0 and result.stdout == "figure 2\n", result
    assert run(checkout / "figure2.sh", PATH=path).stderr == ""  # and from now on nothing is said
    assert SAID in result.stderr and result.stderr.endswith(READY)
    return result.stderr.replace(SAID, "").removesuffix(READY)


def test_a_set_up_that_was_left_at_any_point_is_completed_or_begun_anew(new_checkout):
    venv = new_checkout / ".venv"
    assert set_up(new_checkout) == ""
    anew = ".venv is unfinished, or of another Python; it is made anew\n"

    (venv / ".installed-requirements.txt").unlink()
    (venv / ".unfinished").touch()  # while packages are installed
    assert set_up(new_checkout) == anew

    shutil.rmtree(venv)  # `python -m venv --without-pip`, or uv's
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    assert set_up(new_checkout) == ""

    (library,) = (venv / "lib").iterdir()
    library.rename(library.with_name("python3.9"))  # as after an upgrade of the system's Python
    assert set_up(new_checkout) == anew

    shutil.rmtree(venv)
    venv.mkdir()  # while the environment is made
    assert set_up(new_checkout) == anew


@pytest.mark.parametrize("kind", ("link to nothing", "link to a folder", "file"))
def test_what_is_no_folder_is_not_removed_to_make_an_environment(new_checkout, tmp_path, kind):
    venv, precious = new_checkout / ".venv", tmp_path / "precious"
    if kind == "file":
        venv.write_text("content")
    else:
        venv.symlink_to(precious)
    if kind == "link to a folder":
        precious.mkdir()
    assert f"'{venv}' is a link or a file, and no environment; remove it" in refusal(run(new_checkout / "figure2.sh"))
    assert venv.read_text() == "content" if kind == "file" else venv.is_symlink()


def test_a_link_to_an_environment_is_filled_also_without_a_home_or_access_for_others(new_checkout, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "environment"], check=True)
    (new_checkout / ".venv").symlink_to(tmp_path / "environment")
    assert set_up(new_checkout, bind=partial(os.umask, 0o077), HOME="/none") == ""
    assert (tmp_path / "environment" / ".installed-requirements.txt").exists()


def make_wheel(folder, name, version):
    """A wheel of one module that knows its version."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for file, content in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(file, content)


def test_the_lowest_and_the_newest_versions_have_environments_of_their_own(new_checkout, tmp_path):
    for version in ("1.4", "1.5", "1.10"):
        make_wheel(tmp_path, "bound_package", version)
    (new_checkout / "pyproject.toml").write_text(
        'requires-python = ">=3.10"\ndependencies = [\n    "bound-package>=1.5",\n]'
    )
    (new_checkout / "requirements-test.txt").write_text("ruff==0.0\n")
    (new_checkout / "pytest.py").write_text("import sys, bound_package as p; print(p.version, sys.argv[1:])")
    own = {"PYTHON": sys.executable, "PIP_NO_INDEX": 1, "PIP_FIND_LINKS": tmp_path, "PIP_TARGET": tmp_path / "target"}

    def tested(*options):
        result = run(new_checkout / "scripts" / "test.sh", *options, **own)
        assert result.returncode == 0 and "error" not in result.stderr, result
        return result.stdout

    assert tested("--lowest").startswith("1.5 [") and tested("--newest").startswith("1.10 [")
    make_wheel(tmp_path, "bound_package", "1.11")
    assert tested("--newest", "tests/test_x.py").startswith("1.10 [")  # once a day is enough
    name = "newest-{}.{}".format(*sys.version_info)
    for file in (f".venv-{name}.txt", f".venv-{name}/.installed-.venv-{name}.txt"):
        lines = (new_checkout / file).read_text()
        (new_checkout / file).write_text(re.sub("as of .*", "as of yesterday", lines))
    assert tested("--newest", "tests/test_x.py").startswith("1.11 [")
    assert "tests/test_x.py" in tested("--lowest", "tests/test_x.py") and not (new_checkout / ".venv").exists()

    (new_checkout / "pyproject.toml").write_text('dependencies = ["bound-package>=1.6"]')  # there is none
    result = run(new_checkout / "scripts" / "test.sh", "--lowest", **own)
    line = result.stderr.splitlines()[-1]
    assert (
        result.returncode == 2 and line.startswith("error: installing ") and "mend the cause and run the same" in line
    )


def test_what_leads_pip_or_imports_elsewhere_is_ignored(new_checkout, tmp_path):
    """The user's settings of pip, foreign modules on PYTHONPATH, and files called like modules where it is called."""
    for folder in (tmp_path / "foreign", tmp_path / "here"):
        folder.mkdir()
        for name in ("random", "numbers", "dasbe"):
            (folder / f"{name}.py").write_text("raise SystemExit('foreign')")
    pip = {"PIP_TARGET": tmp_path / "target", "PIP_USER": 1, "PIP_PREFIX": tmp_path / "prefix"}
    assert set_up(new_checkout, PYTHONPATH=tmp_path / "foreign", **pip) == ""
    if sys.version_info >= (3, 11):
        assert run(new_checkout / "figure2.sh", cwd=tmp_path / "here").stdout == "figure 2\n"


def test_what_cannot_be_imported_is_not_taken_for_installed(new_checkout):
    script = new_checkout / "scripts" / "setup.sh"
    script.write_text(script.read_text().replace('"json"', '"json nothing_of_this_name"'))
    result = run(new_checkout / "figure2.sh")
    line = result.stderr.splitlines()[-1]
    assert (
        result.returncode == 2
        and "cannot be imported (ModuleNotFoundError: No module named 'nothing_of_this_name')" in line
    )
    assert not list((new_checkout / ".venv").glob(".installed*"))


def test_condas_base_counts_as_no_environment(checkout, tmp_path):
    base, other = tmp_path / "conda", tmp_path / "conda" / "envs" / "other"
    (base / "condabin").mkdir(parents=True)
    conda = {"CONDA_PREFIX": base, "CONDA_DEFAULT_ENV": "base"}
    assert started(run(checkout / "figure2.sh", **conda), checkout) == ["-m", "dasbe.experiments.figure2"]
    assert started(run(checkout / "figure2.sh", CONDA_PREFIX=base), checkout) == ["-m", "dasbe.experiments.figure2"]
    conda = {"CONDA_PREFIX": other, "CONDA_DEFAULT_ENV": "other"}
    assert f"'{other}/bin/python' is not there" in refusal(run(checkout / "figure2.sh", **conda))


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_set_up_interrupted_at_any_moment_works_when_called_again(new_checkout, how):
    rng = random.Random(int(how))
    for _ in range(20):
        shutil.rmtree(new_checkout / ".venv", ignore_errors=True)
        first = subprocess.Popen([new_checkout / "figure2.sh"], start_new_session=True, stderr=subprocess.DEVNULL)
        try:
            first.wait(rng.uniform(0, 6))
        except subprocess.TimeoutExpired:
            os.killpg(first.pid, how)
        first.wait()
        set_up(new_checkout)
