"""AIaaS: support chat for many tenants, over HTTP and WebSockets, with billing (contract: seed 003)."""

from swell_target.services.aiaas import analytics, billing, chat, gateway, identity, sockets
from swell_target.services.aiaas.service import SERVICE

__all__ = ["SERVICE", "analytics", "billing", "chat", "gateway", "identity", "sockets"]
