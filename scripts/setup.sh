# Sourced by the drivers: finds or makes a Python environment and leaves it in $python; sets $root.
#
#   extra_requirements=requirements-test.txt; . scripts/setup.sh
#
# $PYTHON, else an active virtual or conda environment (conda's base and .venv/ itself count as none), else a
# .venv/ that may not be written to is used as it is: nothing is installed there. Otherwise .venv/ is made and filled
# from requirements.txt, and from extra_requirements if that names a file. Whatever interrupts that, the next call
# goes on, or begins anew. Silent unless there is something to say; nothing to do costs no time.
#
# DASBE_COMMAND is the script as the user has typed it, for --help.
#
# With versions=lowest, or newest, an environment of its own is made, .venv-lowest-3.11/ for Python 3.11, by $PYTHON if
# that is set: with the lowest versions that pyproject.toml allows, or the newest of today, and what runs the tests.
#
# Modules come from the environment and from this checkout, never from the folder where a driver is called
# (before Python 3.11 that cannot be had).

unset CDPATH PYTHONHOME  # cd would look there, and print what it finds; a virtual environment has no other home
root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PYTHONSAFEPATH=1 DASBE_COMMAND=$0

setup_modules="torch numpy h5py matplotlib seaborn pandas sklearn notebook tqdm numba threadpoolctl filelock PIL scipy"
if [[ -n ${versions:-} ]]; then
    setup_modules+=" pytest xdist elephant distributed neo"
elif [[ -n ${extra_requirements:-} ]]; then
    setup_modules+=" pytest xdist elephant ruff mypy pdoc"
fi
setup_pip_elsewhere=(TARGET PREFIX ROOT USER PYTHON DRY_RUN NO_DEPS)  # with these, pip installs elsewhere or not all

setup_fail() { echo "error: $*" >&2; exit 2; }

setup_is_python() { "$1" -I -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

setup_use() {  # an interpreter that is left as it is; what to do if it is none; files of requirements
    python=$1
    command -v "$python" >/dev/null || setup_fail "'$python' is not there, or may not be run by this user; $2"
    setup_is_python "$python" || setup_fail "'$python' is not Python 3.10 or newer; $2"
    export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
    local missing
    missing=$("$python" -c 'import importlib.util as u, sys; print(*[m for m in sys.argv[1:] if not u.find_spec(m)])' \
        $setup_modules)
    [[ -z $missing ]] ||
        setup_fail "'$python' lacks $missing; run: $python -m pip install $(printf -- '-r %s ' "${@:3}")"
}

setup_is_sound() {  # .venv/ runs, is of the Python that made it, was not left unfinished, and finds these modules
    [[ ! -e $venv/.unfinished ]] && "$venv/bin/python" -I -c '
import importlib.util, os, sys
library = f"{sys.prefix}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
sound = sys.version_info >= (3, 10) and os.path.isdir(library)
sys.exit(not (sound and all(map(importlib.util.find_spec, sys.argv[1:]))))' "$@" 2>/dev/null
}

setup_is_complete() {  # .venv/ has a stamp for each requirements file, is sound, and finds what it should have
    local file
    for file in "$@"; do
        cmp -s "$file" "$venv/.installed-$(basename "$file")" || return 1
    done
    setup_knows_package "$venv"/lib/python*/site-packages || return 1
    setup_is_sound pip $setup_modules
}

setup_knows_package() {  # from any folder; not if the checkout was moved
    [[ -f $1/dasbe-checkout.pth && $(<"$1/dasbe-checkout.pth") == "$root" ]]
}

setup_lock() {  # file descriptor 9 holds it, so that it ends with this process, however that ends
    exec 9>"$venv.lock"
    "$1" -I -c '
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print(f"waiting for another command that sets up {sys.argv[1]}", file=sys.stderr)
    fcntl.flock(9, fcntl.LOCK_EX)
except OSError:
    print(f"the folder cannot be locked; do not start a second command before {sys.argv[1]} is set up", file=sys.stderr)
' "${venv##*/}"
}

setup_make() {  # .venv/, empty, by the first of the interpreters that can
    local candidate log="$venv.log"
    for candidate in "$@"; do
        rm -rf "$venv"
        mkdir "$venv" && : >"$venv/.unfinished"
        "$candidate" -m venv "$venv" >"$log" 2>&1 && rm -f "$log" && return
    done
    rm -rf "$venv"
    tail -n 20 "$log" >&2
    rm -f "$log"
    setup_fail "'$1 -m venv' failed (above); install Python's venv module (on Debian and Ubuntu python3-venv), or" \
        "set PYTHON to a Python that has the packages of requirements.txt"
}

setup_pip() {  # nothing that the user has set leads elsewhere
    env "${setup_pip_elsewhere[@]/#/-uPIP_}" PIP_DISABLE_PIP_VERSION_CHECK=1 "$python" -I -m pip "$@"
}

setup_install() {  # the requirements of a file
    local log="$venv/.install.log" status=0
    setup_pip install --quiet ${versions:+--upgrade --upgrade-strategy eager --only-binary :all:} -r "$1" \
        >"$log" 2>&1 || status=$?
    if ((status == 0)); then
        rm -f "$log"
        return
    fi
    ((status > 128)) || rm -f "$venv/.unfinished"  # pip has ended by itself, and has left what was there
    tail -n 20 "$log" | cut -c -300 >&2  # pip may list all versions there are
    setup_fail "installing $1 failed (above); mend the cause and run the same command again"
}

setup_find_pythons() {  # those of these names that are Python 3.10 or newer, in $pythons
    local name
    pythons=()
    for name in "$@"; do
        ! setup_is_python "$name" || pythons+=("$name")
    done
    ((${#pythons[@]})) || setup_fail "no Python 3.10 or newer found; install one, or set PYTHON to it"
}

setup_bounds() {  # name and file of the environment for $versions; its requirements are the bounds of pyproject.toml
    local lines names=(python3 python3.{14,13,12,11,10} python)
    [[ $versions != lowest ]] || names=(python3.{10,11,12,13,14} python3)  # newer ones need newer packages
    [[ -z ${PYTHON:-} ]] || names=("$PYTHON")
    setup_find_pythons "${names[@]}"
    pythons=("${pythons[0]}")
    venv="$root/.venv-$versions-$("${pythons[0]}" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    requirements=("$venv.txt")
    lines=$(grep -o '"[a-z][a-z0-9-]*>=[0-9.]*"' "$root/pyproject.toml" | tr -d '"'
        sed -nE '/^(notebook|pytest|elephant)/p' "$root"/requirements{,-test}.txt)
    case $versions in
        lowest) lines=${lines//>=/==} ;;
        newest) lines+=$'\n'"# as of $(date +%F)" ;;
    esac
    [[ -f $requirements && $(<"$requirements") == "$lines" ]] || { printf '%s\n' "$lines" >"$requirements"; } 2>/dev/null ||
        setup_fail "'$requirements' cannot be written, so no environment of the $versions versions can be made"
}

setup_venv() {
    local file packages reason is_new=
    python="$venv/bin/python"
    setup_is_complete "$@" && return
    ((${#pythons[@]})) || setup_find_pythons python3 python3.{14,13,12,11,10} python
    [[ -w $root ]] || setup_fail "'$root' cannot be written to, so no .venv can be made there; set PYTHON to a" \
        "Python that has the packages of requirements.txt"
    setup_lock "${pythons[0]}"
    if setup_is_complete "$@"; then  # by another command, for which this one has waited
        exec 9>&-
        return
    fi
    if ! setup_is_sound; then
        [[ ! -L $venv && ( -d $venv || ! -e $venv ) ]] ||  # somebody wants it so: not ours to remove
            setup_fail "'$venv' is a link or a file, and no environment; remove it and run the same command again"
        [[ ! -e $venv ]] || echo "${venv##*/} is unfinished, or of another Python; it is made anew" >&2
        setup_make "${pythons[@]}"
    fi
    : >"$venv/.unfinished"
    for file in "$@"; do
        cmp -s "$file" "$venv/.installed-$(basename "$file")" || is_new=1
    done
    [[ -z $is_new ]] || echo "installing packages in ${venv##*/}: one to three minutes, most of them to download PyTorch" >&2
    setup_pip --version >/dev/null 2>&1 || "$python" -I -m ensurepip >/dev/null 2>&1 ||
        setup_fail "'$python' has no pip, and 'python -m ensurepip' does not bring it; run the same command again"
    for file in "$@"; do
        setup_install "$file"
    done
    if ! reason=$("$python" -I -c "import ${setup_modules// /, }" 2>&1); then
        rm -f "$venv/.unfinished"
        setup_fail "what was installed in ${venv##*/} cannot be imported (${reason##*$'\n'}); mend the cause (see" \
            "'$python -m pip config list'), or remove ${venv##*/}, and run the same command again"
    fi
    for packages in "$venv"/lib/python*/site-packages; do
        printf '%s\n' "$root" >"$packages/dasbe-checkout.pth"
    done
    for file in "$@"; do
        cp "$file" "$venv/.installed-$(basename "$file")"
    done
    rm -f "$venv/.unfinished"
    exec 9>&-
    [[ -z $is_new || -n ${versions:-} ]] || echo "${venv##*/} is ready; for Python of your own: source ${venv##*/}/bin/activate" >&2
}

venv=$root/.venv
setup_active=${VIRTUAL_ENV:-}
if [[ -z $setup_active && ${CONDA_DEFAULT_ENV:-base} != base && ! -d ${CONDA_PREFIX:-}/condabin ]]; then
    setup_active=${CONDA_PREFIX:-}
fi
[[ ! $setup_active -ef $venv ]] || setup_active=
requirements=("$root/requirements.txt")
[[ -z ${extra_requirements:-} ]] || requirements+=("$root/$extra_requirements")
pythons=()
if [[ -n ${versions:-} ]]; then
    setup_bounds
    setup_venv "${requirements[@]}"
    export PYTHONPATH="$root"
elif [[ -n ${PYTHON:-} ]]; then
    setup_use "$PYTHON" "set PYTHON to one that is, or unset it" "${requirements[@]}"
elif [[ -n $setup_active ]]; then
    setup_use "$setup_active/bin/python" "activate an environment that has one, or none" \
        "${requirements[@]}"
elif [[ -d $venv && ! -w $venv ]]; then
    setup_use "$venv/bin/python" "set PYTHON to one that is" "${requirements[@]}"
else
    setup_venv "${requirements[@]}"
    export PYTHONPATH="$root"
fi
