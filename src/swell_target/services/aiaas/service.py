"""AIaaS's declaration; endpoints and WebSockets hang themselves on it."""

from swell_target.base.service import Service
from swell_target.base.writes import Written
from swell_target.services.aiaas import seed
from swell_target.services.aiaas.schema import EVENTS, MESSAGES, SCHEMA

SERVICE = Service(
    name="aiaas",
    title="AIaaS: chat for many tenants, with plans and invoices",
    port=8000,
    schema=SCHEMA,
    seed=seed.fill,
    clean=seed.clean,
    writes={
        "messages": Written(MESSAGES.c.id, MESSAGES.c.id),
        "webhooks": Written(EVENTS.c.id, EVENTS.c.id, EVENTS.c.times),
    },
)
