"""The report of a month: one HTML page that a finance lead reads without help, and its rows as CSV and XLSX.

questions.py asks, figures.py holds what is answered, breakdown.py and certainty.py group it, page.py writes it down.
Money stays whole nano-units until amounts.py writes the last digit.
"""
