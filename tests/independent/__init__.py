"""What the shipped KQL must answer, computed a second time in plain Python.

Written from the documentation (docs/folding.md, docs/prices.md, the queries' headers) over the stored rows and the
price files as they lie on disk. Nothing here imports the project's code: to pass, an error has to be made twice.
Money is whole nano-units or Decimal; times are naive and UTC, as the store has them.
"""
