"""WWMAA's declaration; routes and background work hang themselves on it."""

from swell_target.base.service import HEALTH_PATHS, Service
from swell_target.base.writes import Written
from swell_target.services.wwmaa import seed
from swell_target.services.wwmaa.schema import REGISTRATIONS, SCHEMA, STRIPE_EVENTS

SERVICE = Service(
    name="wwmaa",
    title="WWMAA: a martial-arts association's members, events and live sessions",
    port=8001,
    schema=SCHEMA,
    seed=seed.fill,
    clean=seed.clean,
    writes={
        "registrations": Written(REGISTRATIONS.c.id, REGISTRATIONS.c.email_key),
        "webhooks": Written(STRIPE_EVENTS.c.id, STRIPE_EVENTS.c.id, STRIPE_EVENTS.c.processed),
    },
    health_paths=(*HEALTH_PATHS, "/api/health"),
)
