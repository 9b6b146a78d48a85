"""Where events are read from outside a hub: files of JSON, JSON lines and Event Hubs Capture."""

from token_meter.sources.files import InputUnusable, read_events

__all__ = ["InputUnusable", "read_events"]
