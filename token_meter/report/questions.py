"""What a report asks, in KQL: each question once. The costs of both months are one question, for they take longest."""

from datetime import datetime

from token_meter.query_result import as_text
from token_meter.report.month import Month

LINE, DAY = "line", "day"
SUMS = """Calls = sum(Calls), PromptTokens = sum(PromptTokens), CompletionTokens = sum(CompletionTokens),
    TotalTokens = sum(TotalTokens), EstimatedTokens = sum(EstimatedTokens), CostNano = sum(CostNano),
    LowNano = sum(LowNano), HighNano = sum(HighNano), Unbounded = sum(Unbounded), EstimatedNano = sum(EstimatedNano),
    ComparedNano = sumif(CostNano, Compared)"""


def costs(month: Month) -> str:
    """Ask what both months cost: a line for all that is told apart in a month, and a line a day."""
    return f"""let Lines = materialize(TokenDays({_time(month.before)}, {_time(month.end)})
    | extend Compared = (Day >= {_time(month.start)} and Day < {_time(month.compared_until)})
        or Day < {_time(month.compared_before_until)});
union
    (Lines | summarize {SUMS}
        by Part = '{LINE}', Period = startofmonth(Day), CostCentre, AppId, AppName, Product, Deployment, Model,
        DeploymentType, PriceStatus, Currency, PriceBook),
    (Lines | where Day >= {_time(month.start)}
    | summarize {SUMS}
        by Part = '{DAY}', Period = Day, CostCentre = '', AppId = '', AppName = '', Product = '', Deployment = '',
        Model = '', DeploymentType, PriceStatus, Currency, PriceBook)
| sort by Part asc, Period asc, CostCentre asc, AppName asc, AppId asc, Product asc, Deployment asc, Model asc,
    DeploymentType asc, PriceStatus asc"""


def rows(month: Month) -> str:
    """Ask by which revisions of the meter the month's rows were counted, and how far they reach."""
    return f"""TokenUsage_CL
| where TimeGenerated >= {_time(month.start)} - 1d
| where CallTime >= {_time(month.start)} and CallTime < {_time(month.end)}
| summarize LowestRevision = min(MeterRevision), HighestRevision = max(MeterRevision), LastCall = max(CallTime)"""


def health(month: Month) -> str:
    """Ask how far the month's numbers can be trusted."""
    return f"TokenHealth({_period(month)})"


def rejected(month: Month) -> str:
    """Ask which records could not be read, by reason."""
    return f"""TokenRejected({_period(month)})
| summarize Records = countif(not(Recovered)), Recovered = countif(Recovered) by Reason
| sort by Records desc, Reason asc"""


def capacity(month: Month) -> str:
    """Ask what the month's provisioned capacity cost, and what of it nobody bears."""
    until = min(month.end, month.made.replace(minute=0, second=0, microsecond=0))
    return f"""TokenPtu({_time(month.start)}, {_time(until)})
| summarize Hours = count(), IdleHours = countif(IdleNano > 0), HourNano = sum(HourNano),
    AllocatedNano = sum(AllocatedNano), IdleNano = sum(IdleNano), Unpriced = countif(isnull(HourNano))
    by Deployment, Backend
| sort by Deployment asc, Backend asc"""


def _period(month: Month) -> str:
    return f"{_time(month.start)}, {_time(month.end)}"


def _time(moment: datetime) -> str:
    return f"datetime({as_text(moment)})"
