#!/bin/sh
# setup.sh NAME: makes .venv hold what requirements/NAME.txt locks. Finds a Python that Gatehouse
# runs on and hands over to install.py; where .venv is as it should be, that is all that happens.
set -eu
here=$(dirname "$0")
wanted=$1

if [ -z "${PYTHON:-}" ] && [ -x .venv/bin/python ] &&
    .venv/bin/python "$here/install.py" --check "$wanted" 2>/dev/null; then
    exit 0
fi

# Runs on any Python, the very old ones too, and says in one line why one will not do.
examine='
import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit("Gatehouse needs Python 3.11 to 3.13; found %d.%d" % sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError:
    sys.exit("this Python (%s) has no venv: apt install python3-venv" % sys.executable)
'
why=''
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    # Being on PATH is not enough: the shims of pyenv are there and fail when they are run.
    if said=$("$candidate" -c "$examine" 2>&1); then
        exec "$candidate" "$here/install.py" "$wanted"
    fi
    case "$said" in
        'this Python'*) why=$said && break ;;
        'Gatehouse needs'*) why=${why:-$said} ;;
    esac
done
if [ -z "$why" ]; then
    why="Gatehouse needs Python 3.11 to 3.13; found none"
    [ -z "${PYTHON:-}" ] || why="Gatehouse needs Python 3.11 to 3.13; PYTHON=$PYTHON does not run"
fi
printf '%s\n' "$why" >&2
exit 1
