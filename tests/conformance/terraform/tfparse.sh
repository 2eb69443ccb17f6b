# Reads the arguments of a comparison and installs tfparse. Sourced by `directories` and `expressions`, which define `usage` and `here`.
# shellcheck shell=bash

install_only=
for argument in "$@"; do
    case $argument in
        -h | --help) usage && exit ;;
        --install) install_only=yes ;;
        *) usage >&2 && exit 2 ;;
    esac
done

installed=$here/.installed
wanted=$({ python3 --version && cat "$here/requirements.txt"; } | sha256sum | cut -d' ' -f1)
if [ "$(cat "$installed/stamp" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$installed"
    python3 -m venv "$installed/python"
    timeout 300 "$installed/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --retries 2 --timeout 20 \
        -r "$here/requirements.txt" || {
        echo "terraform: could not install tfparse: is PyPI reachable? It is only needed for the first run" >&2
        exit 2
    }
    # Written last, so that an interrupted installation is repeated.
    echo "$wanted" >"$installed/stamp"
fi
[ -z "$install_only" ] || exit 0
