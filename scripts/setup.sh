# Sourced by the drivers: finds or makes a Python environment and leaves it in $python; sets $root.
#
#   extra_requirements=requirements-test.txt; . scripts/setup.sh
#
# $PYTHON, else an active virtual or conda environment, else a .venv/ that may not be written to is used as
# it is: nothing is installed there. Otherwise .venv/ is made and filled from requirements.txt, and from
# extra_requirements if that names a file. Silent unless something fails; nothing to do costs no time.

unset CDPATH PYTHONHOME  # cd would look there, and print what it finds; a virtual environment has no other home
root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"

setup_fail() { echo "error: $*" >&2; exit 2; }

setup_is_python() { "$1" -I -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

setup_use() {  # an interpreter that is left as it is; what to do if it is none; files of requirements
    python=$1
    command -v "$python" >/dev/null || setup_fail "'$python' is not there, or may not be run by this user; $2"
    setup_is_python "$python" || setup_fail "'$python' is not Python 3.10 or newer; $2"
    local wanted missing
    wanted="torch numpy h5py matplotlib seaborn sklearn notebook tqdm numba threadpoolctl filelock PIL scipy"
    [[ -z ${extra_requirements:-} ]] || wanted+=" pytest xdist elephant ruff mypy pdoc"
    missing=$("$python" -c 'import importlib.util as u, sys; print(*[m for m in sys.argv[1:] if not u.find_spec(m)])' $wanted)
    [[ -z $missing ]] ||
        setup_fail "'$python' lacks $missing; run: $python -m pip install $(printf -- '-r %s ' "${@:3}")"
}

setup_is_complete() {  # .venv/, with a stamp for each requirements file that has been installed
    local file
    "$venv/bin/python" -I -c '' 2>/dev/null || return 1
    for file in "$@"; do
        cmp -s "$file" "$venv/.installed-$(basename "$file")" || return 1
    done
    setup_knows_package "$venv"/lib/python*/site-packages
}

setup_knows_package() {  # from any folder; not if the checkout was moved
    [[ -f $1/dasbe-checkout.pth && $(<"$1/dasbe-checkout.pth") == "$root" ]]
}

setup_lock() {  # file descriptor 9 holds it, so that it ends with this process, however that ends
    exec 9>"$root/.venv.lock"
    "$1" -I -c '
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("waiting for another command that sets up .venv", file=sys.stderr)
    fcntl.flock(9, fcntl.LOCK_EX)
except OSError:
    print("the folder cannot be locked; do not start a second command before .venv is set up", file=sys.stderr)
'
}

setup_venv() {
    local candidate file stamp log packages
    python="$venv/bin/python"
    setup_is_complete "$@" && return
    for candidate in python3 python3.13 python3.12 python3.11 python3.10 python; do
        setup_is_python "$candidate" && break
        candidate=
    done
    [[ -n $candidate ]] || setup_fail "no Python 3.10 or newer found; install one, or set PYTHON to it"
    [[ -w $root ]] || setup_fail "'$root' cannot be written to, so no .venv can be made there; set PYTHON to a" \
        "Python that has the packages of requirements.txt"
    setup_lock "$candidate"
    if ! "$python" -I -c '' 2>/dev/null; then
        rm -rf "$venv"
        "$candidate" -m venv "$venv" >&2 || setup_fail "'$candidate -m venv' failed; install Python's venv module"
    fi
    for file in "$@"; do
        stamp="$venv/.installed-$(basename "$file")"
        cmp -s "$file" "$stamp" && continue
        log="$venv/.install.log"
        if ! "$python" -m pip install --quiet --disable-pip-version-check -r "$file" >"$log" 2>&1; then
            tail -n 20 "$log" >&2
            setup_fail "installing $file failed (above); mend the cause and run the same command again"
        fi
        rm -f "$log"
        cp "$file" "$stamp"
    done
    for packages in "$venv"/lib/python*/site-packages; do
        setup_knows_package "$packages" || printf '%s\n' "$root" >"$packages/dasbe-checkout.pth"
    done
    exec 9>&-
}

venv=$root/.venv
requirements=("$root/requirements.txt")
[[ -z ${extra_requirements:-} ]] || requirements+=("$root/$extra_requirements")
if [[ -n ${PYTHON:-} ]]; then
    setup_use "$PYTHON" "set PYTHON to one that is, or unset it" "${requirements[@]}"
elif [[ -n ${VIRTUAL_ENV:-${CONDA_PREFIX:-}} ]]; then
    setup_use "${VIRTUAL_ENV:-$CONDA_PREFIX}/bin/python" "activate an environment that has one, or none" \
        "${requirements[@]}"
elif [[ -d $venv && ! -w $venv ]]; then
    setup_use "$venv/bin/python" "set PYTHON to one that is" "${requirements[@]}"
else
    setup_venv "${requirements[@]}"
fi
