"""The Function app: registers the blueprints of `functions/`, one per trigger."""

import logging

import azure.functions as func

from functions.daily_usage import blueprint as daily_usage
from functions.meter_events import blueprint as meter_events
from functions.reconcile import blueprint as reconcile
from functions.replay_dead_letters import blueprint as replay_dead_letters
from functions.watch_budgets import blueprint as watch_budgets

# The SDK logs every request and its headers at INFO, which the worker passes on to Application Insights: many times the
# one line a batch that says something (azure-sdk-for-python#29215).
for name in ("azure.core", "azure.identity", "azure.mgmt", "azure.storage"):
    logging.getLogger(name).setLevel(logging.WARNING)

app = func.FunctionApp()
app.register_functions(meter_events)
app.register_functions(reconcile)
app.register_functions(replay_dead_letters)
app.register_functions(daily_usage)
app.register_functions(watch_budgets)
