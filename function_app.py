"""The Function app: registers the blueprints of `functions/`, one per trigger."""

import logging

import azure.functions as func

from functions.meter_events import blueprint as meter_events

# The SDK logs every request with its headers at INFO, and the worker passes INFO on to Application Insights: a multiple of
# the one line a batch that says something (azure-sdk-for-python#29215).
logging.getLogger("azure").setLevel(logging.WARNING)

app = func.FunctionApp()
app.register_functions(meter_events)
