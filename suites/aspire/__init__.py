"""Aspire: enrolment, lessons, assignments."""
