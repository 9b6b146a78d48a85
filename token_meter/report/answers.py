"""The answers to a report's questions, read into figures; an answer that is none of that form is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from token_meter.columns import column_name
from token_meter.query_result import Ask, QueryError, Value
from token_meter.report import questions
from token_meter.report.figures import Capacity, Day, Figures, Health, Line, Rejects, Sums
from token_meter.report.month import Month
from token_meter.times import parse_time

Answer = Mapping[str, Value]
PROVISIONED = "PTU"


def read_report(ask: Ask, month: Month) -> Figures:
    """Ask all that a report says. Raises QueryError where a question has no whole answer."""
    answers = ask(questions.costs(month)).records()
    lines = [answer for answer in answers if answer["Part"] == questions.LINE]
    start = month.start.date()
    held = _only(ask(questions.rows(month)).records())
    health = _only(ask(questions.health(month)).records())
    provisioned = any(answer["DeploymentType"] == PROVISIONED for answer in lines)
    hours = ask(questions.capacity(month)).records() if provisioned and month.made > month.start else []
    return Figures(
        month=month,
        lines=tuple(_line(answer) for answer in lines if _moment(answer, "Period").date() == start),
        lines_before=tuple(_line(answer) for answer in lines if _moment(answer, "Period").date() < start),
        days=tuple(_day(answer) for answer in answers if answer["Part"] == questions.DAY),
        rejected=tuple(_rejects(answer) for answer in ask(questions.rejected(month)).records()),
        capacity=tuple(_capacity(answer) for answer in hours),
        health=_health(health),
        currency=_one_of(answers, "Currency"),
        price_book=_one_of(answers, "PriceBook"),
        revisions=_revisions(held),
        last_call=_moment(held, "LastCall") if held["LastCall"] else None,
    )


def _line(answer: Answer) -> Line:
    return Line(
        cost_centre=_text(answer, "CostCentre"),
        app_id=_text(answer, "AppId"),
        app_name=_text(answer, "AppName"),
        product=_text(answer, "Product"),
        deployment=_text(answer, "Deployment"),
        model=_text(answer, "Model"),
        deployment_type=_text(answer, "DeploymentType"),
        status=_text(answer, "PriceStatus"),
        sums=_sums(answer),
    )


def _day(answer: Answer) -> Day:
    day = _moment(answer, "Period").date()
    return Day(day, _text(answer, "DeploymentType"), _text(answer, "PriceStatus"), _sums(answer))


def _sums(answer: Answer) -> Sums:
    return Sums(
        calls=_number(answer, "Calls"),
        prompt_tokens=_number(answer, "PromptTokens"),
        completion_tokens=_number(answer, "CompletionTokens"),
        total_tokens=_number(answer, "TotalTokens"),
        estimated_tokens=_number(answer, "EstimatedTokens"),
        cost=_number(answer, "CostNano"),
        low=_number(answer, "LowNano"),
        high=_number(answer, "HighNano"),
        unbounded=_number(answer, "Unbounded"),
        estimated=_number(answer, "EstimatedNano"),
        compared=_number(answer, "ComparedNano"),
    )


def _rejects(answer: Answer) -> Rejects:
    return Rejects(_text(answer, "Reason"), _number(answer, "Records"), _number(answer, "Recovered"))


def _capacity(answer: Answer) -> Capacity:
    names = ("Hours", "IdleHours", "HourNano", "AllocatedNano", "IdleNano", "Unpriced")
    return Capacity(_text(answer, "Deployment"), _text(answer, "Backend"), *(_number(answer, name) for name in names))


def _health(answer: Answer) -> Health:
    return Health(**{item.name: _number(answer, column_name(item.name)) for item in fields(Health)})


def _revisions(answer: Answer) -> tuple[int, ...]:
    bounds = answer["LowestRevision"], answer["HighestRevision"]
    return tuple(dict.fromkeys(bound for bound in bounds if isinstance(bound, int)))


def _one_of(answers: Sequence[Answer], column: str) -> str:
    found = sorted({_text(answer, column) for answer in answers} - {""})
    if len(found) > 1:
        raise QueryError(f"TokenDays answers more than one {column}: {', '.join(found)}")
    return found[0] if found else ""


def _only(answers: Sequence[Answer]) -> Answer:
    if len(answers) != 1:
        raise QueryError(f"a question about the whole month has {len(answers)} answers, not one")
    return answers[0]


def _text(answer: Answer, column: str) -> str:
    value = answer[column]
    return "" if value is None else str(value)


def _number(answer: Answer, column: str) -> int:
    """Return a whole number; a sum over nothing is null in one engine and 0 in the other. Raises QueryError."""
    value = answer[column]
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise QueryError(f"{column} is {value!r}, not a whole number")
    return value


def _moment(answer: Answer, column: str) -> datetime:
    moment = parse_time(str(answer[column]))
    if moment is None:
        raise QueryError(f"{column} is {answer[column]!r}, not a time")
    return moment
