"""What a report asks, in KQL: each question once. The costs of both months are one question, for they take longest."""

from token_meter.query_result import as_bounds, as_literal
from token_meter.report.month import Month

LINE, DAY = "line", "day"
SUMS = """Calls = sum(Calls), PromptTokens = sum(PromptTokens), CompletionTokens = sum(CompletionTokens),
    TotalTokens = sum(TotalTokens), EstimatedTokens = sum(EstimatedTokens), CostNano = sum(CostNano),
    LowNano = sum(LowNano), HighNano = sum(HighNano), Unbounded = sum(Unbounded), EstimatedNano = sum(EstimatedNano),
    ComparedNano = sumif(CostNano, Compared)"""


def costs(month: Month) -> str:
    """Ask what both months cost: a line for all that is told apart in a month, and a line a day."""
    return f"""let Lines = materialize(TokenDays({as_bounds(month.before, month.end)})
    | extend Compared = (Day >= {as_literal(month.start)} and Day < {as_literal(month.compared_until)})
        or Day < {as_literal(month.compared_before_until)});
union
    (Lines | summarize {SUMS}
        by Part = '{LINE}', Period = startofmonth(Day), CostCentre, AppId, AppName, Product, Deployment, Model,
        DeploymentType, PriceStatus, Currency, PriceBook),
    (Lines | where Day >= {as_literal(month.start)}
    | summarize {SUMS}
        by Part = '{DAY}', Period = Day, CostCentre = '', AppId = '', AppName = '', Product = '', Deployment = '',
        Model = '', DeploymentType, PriceStatus, Currency, PriceBook)
| sort by Part asc, Period asc, CostCentre asc, AppName asc, AppId asc, Product asc, Deployment asc, Model asc,
    DeploymentType asc, PriceStatus asc"""


def rows(month: Month) -> str:
    """Ask by which revisions of the meter the month's rows were counted, and how far they reach."""
    return f"""TokenUsage_CL
| where TimeGenerated >= {as_literal(month.start)} - 1d
| where CallTime >= {as_literal(month.start)} and CallTime < {as_literal(month.end)}
| summarize LowestRevision = min(MeterRevision), HighestRevision = max(MeterRevision), LastCall = max(CallTime)"""


def health(month: Month) -> str:
    """Ask how far the month's numbers can be trusted."""
    return f"TokenHealth({as_bounds(month.start, month.end)})"


def rejected(month: Month) -> str:
    """Ask which records could not be read, by reason."""
    return f"""TokenRejected({as_bounds(month.start, month.end)})
| summarize Records = countif(not(Recovered)), Recovered = countif(Recovered) by Reason
| sort by Records desc, Reason asc"""


def capacity(month: Month) -> str:
    """Ask what the month's provisioned capacity cost, and what of it nobody bears."""
    until = min(month.end, month.made.replace(minute=0, second=0, microsecond=0))
    return f"""TokenPtu({as_bounds(month.start, until)})
| summarize Hours = count(), IdleHours = countif(IdleNano > 0), HourNano = sum(HourNano),
    AllocatedNano = sum(AllocatedNano), IdleNano = sum(IdleNano), Unpriced = countif(isnull(HourNano))
    by Deployment, Backend
| sort by Deployment asc, Backend asc"""
