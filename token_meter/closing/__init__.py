"""Closed months: statements that never change, and adjustments that say what came later.

A statement's lines and its adjustments' lines add up to what the store says now. Each document names the digest of the
one before it, so nothing can be changed, left out in between, or put in without it showing.
"""
