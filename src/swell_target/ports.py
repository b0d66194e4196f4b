"""Which services there are, and the ports where their teams' scripts look for them."""

from collections.abc import Mapping

# In the order in which --port-base numbers them.
PORTS = {
    "aspire": 3000,
    "aivo": 8080,
    "cooly": 5001,
    "aiaas": 8000,
    "wwmaa": 8001,
}
# Where scripts beyond the main ones look for parts of a service that are servers of their own elsewhere.
EXTRA_PORTS = {
    "aivo": (3001, 3002, 3004, 3006, 3007, 8000),
    "aiaas": (8001, 8080, 8081, 8082, 8083),
}


def free_extra_ports(ports: Mapping[str, int]) -> tuple[dict[str, list[int]], dict[int, str]]:
    """The further ports of the services in ``ports``, and those left out with the service that has each."""
    owners = {port: name for name, port in ports.items()}
    further: dict[str, list[int]] = {}
    left_out: dict[int, str] = {}
    for name in ports:
        for port in EXTRA_PORTS.get(name, ()):
            if port not in owners:
                owners[port] = name
                further.setdefault(name, []).append(port)
            elif owners[port] != name:
                left_out[port] = owners[port]
    return further, left_out
