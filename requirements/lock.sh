#!/bin/sh
# lock.sh: makes requirements/*.txt from the *.in, with hashes and without the address of any index.
# The largest is resolved first and the others are held to it, so that each holds the ones before it.
set -eu
cd "$(dirname "$0")/.."
export UV_CUSTOM_COMPILE_COMMAND="make lock"

lock() {
    name=$1
    shift
    .venv/bin/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-emit-index-url --no-emit-find-links "$@" --output-file "requirements/$name.txt" "requirements/$name.in"
}
lock development ${UPGRADE:+--upgrade}
lock demo --constraint requirements/development.txt
lock base --constraint requirements/development.txt
