"""A service on several ports, for scripts that look for its parts in several places."""

from pathlib import Path

import pytest
import requests
from target_platform import Client, Platform
from test_target_operator import run

from swell_target.ports import PORTS, free_extra_ports


def test_extra_ports_serve_the_whole_service(data: Path) -> None:
    """Each answers as the first, from both processes, and the others' ports are not theirs."""
    extra = ("--extra-ports", "aivo:0,aivo:0,aiaas:0", "--processes", "2")
    with Platform(data, *extra, services="aivo,aiaas") as platform:
        further = platform.hello["extra_ports"]
        assert {name: len(ports) for name, ports in further.items()} == {"aivo": 2, "aiaas": 1}
        for name, path in (("aivo", "/api/users/user-1/profile"), ("aiaas", "/v1/tools")):
            for port in further[name]:
                for _ in range(4):
                    client = Client(f"http://127.0.0.1:{port}")
                    assert client.get(path).status_code == 200
                    client.session.close()
        outsider = requests.get(
            f"http://127.0.0.1:{further['aiaas'][0]}/api/users/user-1/profile", timeout=60
        )
        assert outsider.status_code == 404


def test_the_scripts_ports_give_way_to_a_service_s_own() -> None:
    """With all services AIaaS keeps 8000, AIVO 8080 and WWMAA 8001; alone a service gets all of its."""
    further, left_out = free_extra_ports(PORTS)
    assert further == {"aivo": [3001, 3002, 3004, 3006, 3007], "aiaas": [8081, 8082, 8083]}
    assert left_out == {8000: "aiaas", 8080: "aivo", 8001: "wwmaa"}
    assert free_extra_ports({"aiaas": 8000}) == ({"aiaas": [8001, 8080, 8081, 8082, 8083]}, {})


@pytest.mark.parametrize("value", ["aivo", "aivo:x", "nobody:1", "wwmaa:80", "aivo:70000", "3001"])
def test_wrong_extra_ports(data: Path, value: str) -> None:
    """One line says what is expected."""
    status, output, error = run("serve", "--data", str(data), "--services", "aivo", "--extra-ports", value)
    assert (status, output) == (1, "")
    assert error.splitlines() == [
        f"swell target: --extra-ports: {value!r} is not SERVICE:PORT with a service that is served"
    ]
