"""Aspire AI: accounts, paid courses, lessons with quizzes, graded assignments (contract: seed 000)."""

from swell_target.services.aspire import accounts, assignments, courses, grading, lessons, payments
from swell_target.services.aspire.service import SERVICE

__all__ = ["SERVICE", "accounts", "assignments", "courses", "grading", "lessons", "payments"]
