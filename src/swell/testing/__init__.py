"""Public test doubles: real servers, byte-level servers, certificates, clocks; nothing here runs in a load test."""
