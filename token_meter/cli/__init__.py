"""The command `token-meter`: the meter on one machine, with no Azure at all."""

from token_meter.cli.app import main

__all__ = ["main"]
