"""Cooly's declaration; routes and jobs hang themselves on it."""

from swell_target.base.service import HEALTH_PATHS, Service
from swell_target.base.writes import Written
from swell_target.services.cooly import seed
from swell_target.services.cooly.schema import SCHEMA, SESSIONS

SERVICE = Service(
    name="cooly",
    title="Cooly AI: image generation with credits",
    port=5001,
    schema=SCHEMA,
    seed=seed.fill,
    clean=seed.clean,
    writes={"generations": Written(SESSIONS.c.id, SESSIONS.c.client_key)},
    health_paths=(*HEALTH_PATHS, "/api/health"),
)
