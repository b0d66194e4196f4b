#!/bin/sh
# Resolves pyproject.toml into requirements/*.txt: versions and hashes for every platform and Python, and no
# address of any package index, so that each machine's pip fetches from where it is told to.
set -eu
cd "$(dirname "$0")/.."

# uv is only needed here, so it is no dependency: `pip install uv` puts it beside pip.
UV=${UV:-.venv/bin/uv}
[ -x "$UV" ] || .venv/bin/python -m pip install --quiet uv

compile() {
    input=$1 output=$2
    shift 2
    # --no-config, and uv's own default index: the lock must not depend on this machine's settings.
    env -u UV_INDEX -u UV_DEFAULT_INDEX -u UV_FIND_LINKS -u UV_EXTRA_INDEX_URL "$UV" --no-config pip compile --quiet "$input" \
        --no-emit-index-url --no-emit-find-links \
        --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
        --output-file "$output" "$@"
}

compile pyproject.toml requirements/run.txt --extra target --group build
compile pyproject.toml requirements/dev.txt --extra target --group build --group test --group docs --constraint requirements/run.txt
# Locust has an environment of its own: it asks for other versions, and is only compared with.
compile benchmarks/locust.in benchmarks/locust.txt
