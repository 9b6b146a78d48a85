"""The meter's totals held against the services' own metrics, day by day; `days.reconcile` is the whole of it."""
