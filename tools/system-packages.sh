#!/bin/sh
# Puts in place what the tests or the bench need beside Python: installed on Debian as root, else named, and then
# it fails. Usage: system-packages.sh test|bench
set -eu

# Program:package of Debian.
case "$1" in
test) needed='redis-server:redis-server initdb:postgresql' ;;
bench) needed='nginx:nginx wrk:wrk hey:hey taskset:util-linux' ;;
esac

# Where Debian keeps servers; a user's PATH may not have it.
PATH="$PATH:/usr/sbin"
for directory in /usr/lib/postgresql/*/bin; do
    PATH="$PATH:$directory"
done
missing=''
for row in $needed; do
    command -v "${row%%:*}" >/dev/null || missing="$missing ${row#*:}"
done
[ -n "$missing" ] || exit 0

if [ -f /etc/debian_version ] && [ "$(id -u)" = 0 ]; then
    echo "installing for make $1:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086 - a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
else
    echo "make $1 needs these Debian packages (or what they hold):$missing" >&2
    echo "install them and run make $1 again" >&2
    exit 1
fi
