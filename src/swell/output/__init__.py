"""Live streams of samples: JSON lines and CSV, in k6's shapes."""
