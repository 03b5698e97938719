#!/bin/sh
# Print the first Python that can carry the project; $1 overrides the search.
found=""
for name in ${1:-python3.14 python3.13 python3.12 python3.11 python3 python}; do
    "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
    found="$name"
    if "$name" -c 'import ensurepip, sqlite3, ssl, venv' >/dev/null 2>&1; then
        echo "$name"
        exit 0
    fi
done
if [ -n "$found" ]; then
    echo "$found lacks venv, ensurepip, ssl or sqlite3 (on Debian and Ubuntu: install $(basename "$found")-venv)" >&2
elif [ -n "${1:-}" ]; then
    echo "PYTHON=$1 is not a Python 3.11 or newer" >&2
else
    echo "Python 3.11 or newer is missing: install it, or name it with PYTHON=/path/to/python" >&2
fi
exit 1
