"""`token-meter doctor`: looks at everything between a gateway record and its row, and names the cure of what fails.

It runs where a person is, as that person or as the identity of a container, so it is no part of the Function's package.
"""

from token_meter.doctor.check import Check, State
from token_meter.doctor.examination import Wanted, examine
from token_meter.doctor.installation import Installation, read_installation

__all__ = ["Check", "Installation", "State", "Wanted", "examine", "read_installation"]
