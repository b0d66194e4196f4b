"""AIVO: an education platform behind one gateway: inference, assessment, search (contract: seed 001)."""

from swell_target.services.aivo import assessments, edge, gateway, search, smoke
from swell_target.services.aivo.service import SERVICE

__all__ = ["SERVICE", "assessments", "edge", "gateway", "search", "smoke"]
