"""apim-token-meter: who used which AI deployment, how many tokens, at what cost."""

from token_meter.events import Event, Origin
from token_meter.meter import Outcome, meter
from token_meter.version import VERSION

__all__ = ["Event", "Origin", "Outcome", "meter"]

__version__ = VERSION
