"""A made-up company's month of AI traffic: gateway records as they would be on the hub, and the truth about every call.

For demonstrations, for trying queries and reports, and for tests that hold the meter against the truth. The same seed
gives the same month.
"""

from token_meter.simulation.calls import Call, simulated_calls
from token_meter.simulation.landscape import APPLICATIONS, DEPLOYMENTS, Application, Deployment
from token_meter.simulation.records import events_of

__all__ = ["APPLICATIONS", "DEPLOYMENTS", "Application", "Call", "Deployment", "events_of", "simulated_calls"]
