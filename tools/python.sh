#!/bin/sh
# Make .venv, for the lock that $1 names, unless there is one with a suitable Python: PYTHON if it is
# set, else the first suitable Python on the path, else one that uv finds or fetches.
case $1 in
    own | dbt2) last=314 advice= ;;  # the pinned DuckDB has no wheel for a later one
    *) last=313 advice=" dbt 2 can do with 3.14: make build DBT=/path/to/dbt" ;;  # dbt-core 1.11 can't
esac
range="Python 3.11 to 3.${last#3}"

does() {  # whether Python $1 is 3.11 to $2
    version=$("$1" -c 'import sys; print("%d%02d" % sys.version_info[:2])' 2>/dev/null) &&
        [ "$version" -ge 311 ] && [ "$version" -le "$2" ]
}

refuse() {
    echo "$1$advice" >&2
    exit 1
}

does .venv/bin/python $last && exit

if [ -n "$PYTHON" ]; then
    does "$PYTHON" $last ||
        refuse "$range is needed, and $PYTHON is none of them. Name one: make build PYTHON=python3.12."
    "$PYTHON" -m venv --clear .venv && exit
    rm -rf .venv
    exit 1
fi

for upto in 313 $last; do  # first one that suits every lock, so that .venv need not be made again for the next
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        does $python $upto && $python -m venv --clear .venv >/dev/null 2>&1 && exit
    done
done

if ! uv=$(command -v uv); then
    away=$(mktemp -d)
    trap 'rm -rf "$away"' EXIT
    uv=$away/bin/uv
    pinned="--quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/uv.lock"
    python3 -m pip install $pinned --target "$away" 2>/dev/null ||
        { python3 -m venv "$away" 2>/dev/null && "$away/bin/python" -m pip install $pinned; } >&2
fi
rm -rf .venv
if [ -x "$uv" ]; then
    echo "No $range on the path makes an environment: uv does, with one that it finds or fetches." >&2
    "$uv" venv --quiet --seed --python '>=3.11,<3.14' .venv && exit
fi
refuse "$range is needed. Install one with venv (Debian: apt-get install python3-venv), or name one: make build PYTHON=/path/to/python3.12."
