"""Public test doubles: real servers, byte-level servers, certificates, clocks, whole commands."""
