"""Which meter this is: written into every row."""

VERSION = "0.1.0"
"""The package's version."""

METER_REVISION = 1
"""Raised whenever the same record would give different numbers; the fold keeps the row of the highest revision."""
