"""Counting what the service did not report."""

from token_meter.counting.completion import count_completion
from token_meter.counting.count import Count
from token_meter.counting.prompt import count_prompt

__all__ = ["Count", "count_completion", "count_prompt"]
