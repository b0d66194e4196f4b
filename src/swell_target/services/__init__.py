"""The five services, by name."""

from swell_target.base.service import Service
from swell_target.base.standard import add_standard_routes
from swell_target.services.cooly import SERVICE as COOLY

SERVICES: dict[str, Service] = {service.name: service for service in (COOLY,)}

for _service in SERVICES.values():
    add_standard_routes(_service)
