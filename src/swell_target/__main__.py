"""``python -m swell_target``: serve the platform, or seed it; every fault of the operator is one line."""

import argparse
import contextlib
import os
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit

from swell_target.base.errors import OperatorError, where
from swell_target.base.settings import DEFAULT_STRIPE_SECRET, Settings
from swell_target.ports import PORTS, free_extra_ports

PROGRAM = "swell target"
DEFAULT_DATA = "swell-target-data"
# The value of --extra-ports without one.
SCRIPTS = "scripts"
MAX_PORT = 65_535
# What a number on the command line may be; more makes no sense on one machine.
RANGES = {"processes": (1, 64), "pool_size": (1, 200), "mock_latency": (0, 600_000)}
EXTRA_HINT = "install swell with its extra: pip install 'swell[target]'"
# A module of Python itself, which is left out where it is built without the library's headers.
SQLITE_MODULE = "_sqlite3"
SQLITE_HINT = "this Python was built without SQLite; take another one"


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status: 0, 1 for an operator's fault, 2 for wrong usage."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments == ["worker"]:
            return _work()
        options = _parser().parse_args(arguments)
        _check_database(options.db)
        if options.command == "serve":
            return _serve(options)
        return _seed(options)
    except OperatorError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 1
    except ModuleNotFoundError as error:
        hint = SQLITE_HINT if error.name == SQLITE_MODULE else EXTRA_HINT
        sys.stderr.write(f"{PROGRAM}: the module {error.name} is missing: {hint}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    except Exception as error:  # noqa: BLE001 - a mistake of ours: a line for the operator, no stack
        sys.stderr.write(f"{PROGRAM}: internal error, please report it: {where(error)}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(PROGRAM, description="Five real services to test against.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="start the services")
    seed = commands.add_parser("seed", help="fill the databases with test data, or empty them")
    for command in (serve, seed):
        command.add_argument("--services", default=",".join(PORTS), help="which ones, with commas (all)")
        command.add_argument(
            "--data", default=DEFAULT_DATA, help="directory of the SQLite files (%(default)s)"
        )
        command.add_argument("--db", default="", help="PostgreSQL URL, instead of SQLite")
        command.add_argument("--seed", type=int, default=1, help="makes data and mock answers repeatable (1)")
    serve.add_argument("--redis", default="", help="Redis URL for cache, messages and queues")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    serve.add_argument(
        "--port-base", type=int, help="first port, the others follow; 0: free ones, shown as JSON"
    )
    serve.add_argument(
        "--extra-ports",
        nargs="?",
        const=SCRIPTS,
        default="",
        metavar="SERVICE:PORT,...",
        help="serve on further ports too; without a value on those of the scripts beyond the main ones",
    )
    serve.add_argument("--processes", type=int, default=1, help="worker processes (1)")
    serve.add_argument(
        "--size", choices=("small", "full", "none"), default="small", help="data for an empty database"
    )
    serve.add_argument("--faults", default="", help="JSON file of faults to start with")
    serve.add_argument("--limits", action="store_true", help="switch rate limits and quotas on")
    serve.add_argument(
        "--mock-latency", type=int, default=20, help="milliseconds that a mock provider takes (20)"
    )
    serve.add_argument(
        "--pool-size", type=int, default=10, help="database connections per service and process (10)"
    )
    serve.add_argument(
        "--temporary", default="", metavar="DIR", help="make DIR, keep everything in it, remove it at the end"
    )
    serve.add_argument(
        "--leash", type=int, metavar="FD", help="end when the other end of this inherited descriptor closes"
    )
    serve.add_argument("--json", action="store_true", help="print URLs and token as one line of JSON")
    seed.add_argument("--size", choices=("small", "full"), default="small", help="how much (small)")
    seed.add_argument("--clean", action="store_true", help="remove all data first")
    seed.add_argument(
        "--drop", action="store_true", help="drop the tables, of whatever schema, and make them anew"
    )
    seed.add_argument("--only-clean", action="store_true", help="remove all data, and put nothing in")
    return parser


def _names(options: argparse.Namespace) -> list[str]:
    names = [name for name in options.services.split(",") if name]
    unknown = [name for name in names if name not in PORTS]
    if unknown or not names:
        raise OperatorError(f"no service {', '.join(unknown) or 'given'}: there are {', '.join(PORTS)}")
    return names


def _secret(options: argparse.Namespace) -> str:
    """The key that signs tokens: from the environment, or kept beside the SQLite files.

    With PostgreSQL several machines may serve one database, and must share it.
    """
    secret = os.environ.get("SWELL_TARGET_SECRET", "")
    if secret:
        return secret
    if options.db:
        raise OperatorError(
            "the secret that signs tokens is missing: set SWELL_TARGET_SECRET when using --db"
        )
    if options.temporary:
        return secrets.token_hex(32)
    path = Path(options.data) / "secret"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(secrets.token_hex(32))
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise OperatorError(f"the directory {options.data} cannot be written: {error.strerror}") from None


def _serve(options: argparse.Namespace) -> int:
    from swell_target.base.present import announce  # noqa: PLC0415 - a worker needs none of these
    from swell_target.base.supervisor import Options, serve  # noqa: PLC0415

    names = _names(options)
    _check_numbers(options, names)
    settings = Settings(
        data=options.data,
        db=options.db,
        redis=options.redis,
        secret=_secret(options),
        stripe_secret=os.environ.get("STRIPE_WEBHOOK_SECRET", DEFAULT_STRIPE_SECRET),
        admin_token=os.environ.get("SWELL_TARGET_ADMIN_TOKEN") or secrets.token_urlsafe(24),
        seed=options.seed,
        limits=options.limits,
        mock_latency_ms=options.mock_latency,
        pool_size=options.pool_size,
        processes=options.processes,
    )
    base = options.port_base
    ports = {name: PORTS[name] if base is None else base and base + i for i, name in enumerate(names)}
    further = _extra_ports(options.extra_ports, ports)
    chosen = Options(
        settings=settings,
        ports={name: [port, *further.get(name, ())] for name, port in ports.items()},
        host=options.host,
        seed_size="" if options.size == "none" else options.size,
        faults=_read_faults(options.faults),
        temporary=options.temporary,
        leash=options.leash,
    )
    as_json = options.json or base == 0
    return serve(chosen, lambda found: announce(found, options.host, settings.admin_token, as_json=as_json))


def _check_database(url: str) -> None:
    """Raise OperatorError unless it is a PostgreSQL's URL, or empty."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("postgresql", "postgres") and parts.port != 0
    except ValueError:
        fits = False
    if url and not fits:
        raise OperatorError("--db must be the URL of a PostgreSQL: postgresql://user@host/name")


def _check_numbers(options: argparse.Namespace, names: list[str]) -> None:
    for flag, (least, most) in RANGES.items():
        if not least <= getattr(options, flag) <= most:
            raise OperatorError(f"--{flag.replace('_', '-')} must be from {least} to {most}")
    last = MAX_PORT - len(names) + 1
    if options.port_base is not None and not 0 <= options.port_base <= last:
        raise OperatorError(
            f"--port-base must be from 1 to {last} for {len(names)} services, or 0 for free ports"
        )


def _extra_ports(chosen: str, ports: dict[str, int]) -> dict[str, list[int]]:
    """The further ports of each service."""
    if chosen == SCRIPTS:
        further, left_out = free_extra_ports(ports)
        for port, owner in left_out.items():
            sys.stderr.write(
                f"{PROGRAM}: port {port} is {owner}'s: to use it for another, serve that alone\n"
            )
        return further
    further = {}
    for item in filter(None, chosen.split(",")):
        name, _, number = item.partition(":")
        if name not in ports or not number.isascii() or not number.isdigit() or int(number) > MAX_PORT:
            raise OperatorError(f"--extra-ports: {item!r} is not SERVICE:PORT with a service that is served")
        further.setdefault(name, []).append(int(number))
    return further


def _read_faults(path: str) -> str:
    if not path:
        return '{"faults": []}'
    import msgspec  # noqa: PLC0415

    from swell_target.base.faults import parse_faults  # noqa: PLC0415

    try:
        raw = Path(path).read_bytes()
        parse_faults(raw)
    except OSError as error:
        raise OperatorError(f"the faults in {path} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise OperatorError(f"the faults in {path} are not valid: {error}") from None
    return raw.decode()


def _seed(options: argparse.Namespace) -> int:
    from swell_target.base.seeding import seed  # noqa: PLC0415 - loads SQLAlchemy
    from swell_target.services import load  # noqa: PLC0415

    settings = Settings(data=options.data, db=options.db, seed=options.seed)
    size = "" if options.only_clean else options.size
    chosen = load(_names(options)).values()
    made = seed(settings, chosen, size, clean=options.clean or options.only_clean, drop=options.drop)
    for name, counts in made.items():
        rows = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        sys.stdout.write(f"{name}: {rows or 'empty'}\n")
    return 0


def _work() -> int:
    from swell_target.base.worker import main as work  # noqa: PLC0415 - the worker's own world
    from swell_target.services import load  # noqa: PLC0415

    return work(load)


if __name__ == "__main__":
    sys.exit(main())
