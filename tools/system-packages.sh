#!/bin/sh
# Puts in place what the tests need beside Python: installed on Debian as root, else named, and then it fails.
set -eu

# A program, where Debian also keeps it, and the package that holds it.
NEEDED='redis-server:/usr/bin:redis-server'

missing=''
for row in $NEEDED; do
    program=${row%%:*}
    rest=${row#*:}
    [ -n "$(command -v "$program" || true)" ] || [ -x "${rest%%:*}/$program" ] || missing="$missing ${rest#*:}"
done
[ -n "$missing" ] || exit 0

if [ -f /etc/debian_version ] && [ "$(id -u)" = 0 ]; then
    echo "installing for the tests:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086 - a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
else
    echo "the tests need these Debian packages (or what they hold):$missing" >&2
    echo "install them and run make test again" >&2
    exit 1
fi
