"""The Function app: registers the blueprints of `functions/`, one per trigger."""

import azure.functions as func

from functions.meter_events import blueprint as meter_events

app = func.FunctionApp()
app.register_functions(meter_events)
