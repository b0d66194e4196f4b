"""Native Python scripts."""
