"""The site: wiring and chrome; no tables."""
