"""Lets `python -m token_meter` be the command `token-meter`."""

from token_meter.cli import main

main()
