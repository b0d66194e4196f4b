"""The five services, loaded when they are served: a package of its name exports ``SERVICE``."""

import importlib
from collections.abc import Iterable

from swell_target.base.service import Service
from swell_target.base.standard import add_standard_routes


def load(names: Iterable[str]) -> dict[str, Service]:
    """The services of these names, with the routes that every service has; once per process."""
    found: dict[str, Service] = {}
    for name in names:
        service: Service = importlib.import_module(f"swell_target.services.{name}").SERVICE
        add_standard_routes(service)
        found[name] = service
    return found
