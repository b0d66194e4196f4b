"""Cooly's declaration; routes and jobs hang themselves on it."""

from swell_target.base.service import HEALTH_PATHS, Service
from swell_target.services.cooly import seed
from swell_target.services.cooly.schema import SCHEMA

SERVICE = Service(
    name="cooly",
    title="Cooly AI: image generation with credits",
    port=5001,
    schema=SCHEMA,
    seed=seed.fill,
    clean=seed.clean,
    health_paths=(*HEALTH_PATHS, "/api/health"),
)
