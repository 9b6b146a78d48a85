"""What calls cost: prices as people write them down, checked, and as KQL functions that every engine reads."""

from token_meter.pricing.book import Addition, Book, BookUnusable, addition, append_prices, read_book, usable_book
from token_meter.pricing.kusto import functions_of, write_functions

__all__ = [
    "Addition",
    "Book",
    "BookUnusable",
    "addition",
    "append_prices",
    "functions_of",
    "read_book",
    "usable_book",
    "write_functions",
]
