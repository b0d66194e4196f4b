"""Cooly AI: users spend credits to queue image generations (contract: seed 002)."""

from swell_target.services.cooly import jobs, routes
from swell_target.services.cooly.service import SERVICE

__all__ = ["SERVICE", "jobs", "routes"]
