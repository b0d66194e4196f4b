"""AIVO: AI gateway, assessment, search."""
