"""The k6 front end: unchanged k6 scripts on swell's engine."""
