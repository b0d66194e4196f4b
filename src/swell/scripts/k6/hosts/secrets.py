"""The Python half of ``k6/secrets``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from swell.engine.script import LEARNED
from swell.scripts.k6.secreturls import SecretServer, SecretURL
from swell.scripts.k6.values import HostError, HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

# Under which the loader keeps the JSON of the sources for all VUs.
KEPT = "secrets"


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``secrets.js`` needs."""

    def get(source: str, key: str) -> str:
        told: dict[str, Any] = msgspec.json.decode(vu.shared.kept.get(KEPT, "{}"))
        sources: dict[str, dict[str, str]] = told.get("sources", {})
        urls: dict[str, Any] = told.get("urls", {})
        if not sources and not urls:
            raise HostError("no secret sources are configured")
        # "default" is the name of the one that is it, besides its own.
        name = told["default"] if source == "default" and told["default"] else source
        if name in urls:
            servers = vu.shared.kept.setdefault("secret-servers", {})
            if name not in servers:
                servers[name] = SecretServer(msgspec.convert(urls[name], SecretURL))
            value: str = servers[name].get(key)
            # Before the script has it: no line of its own comes first.
            vu.log(LEARNED, value)
            return value
        if name not in sources:
            raise HostError(f'no secret source with name "{source}" is configured')
        if key not in sources[name]:
            raise HostError("no value")
        return sources[name][key]

    return {"get": get}
