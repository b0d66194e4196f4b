"""The front ends: each maps one script language onto engine.script."""
