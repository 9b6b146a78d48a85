"""The calls of a simulated month: when, by whom, to what, how many tokens, and how they ended. The truth, in short."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from token_meter.codes import Charged, Operation, Source
from token_meter.simulation.landscape import APPLICATIONS, DEPLOYMENTS, LAST_DAY, Application, Deployment

BY_NAME = {deployment.name: deployment for deployment in DEPLOYMENTS}
HOUR_WEIGHTS = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 16, 12, 15, 17, 16, 13, 9, 6, 4, 3, 2, 2, 1)
WEEKEND_SHARE = 0.3
"""Of a working day's traffic."""
MOST_WORDS = 60
"""Of a stream whose text must be counted, so that the record stays small."""
ENDINGS = {Operation.RESPONSES: "completed", Operation.MESSAGES: "end_turn"}
"""What the APIs call it when an answer ends by itself; chat says `stop`."""
OK, FILTERED, THROTTLED, FAILED = 200, 400, 429, 500


@dataclass(frozen=True, slots=True)
class Call:
    """One call, and what is true of it. Numbers are those that a meter can and should know."""

    call_id: str
    time: datetime
    application: Application
    deployment: Deployment
    backend: str
    status: int
    attempts: int
    """The last of which has `status`; those before it were throttled."""
    is_stream: bool
    aborted: bool
    halves: bool
    """Recorded as a request and a response."""
    answer_lost: bool
    """Of the halves, only the request was recorded."""
    finish_reason: str
    charged: Charged
    prompt: int | None
    prompt_source: Source
    completion: int | None
    completion_source: Source
    cached: int | None
    reasoning: int | None
    duration_ms: int
    words: tuple[int, int]
    """Words of the texts in prompt and answer, each a token."""

    @property
    def usage_reported(self) -> bool:
        """Whether the answer carries the service's own numbers."""
        return self.completion_source is Source.REPORTED


def simulated_calls(start: datetime, end: datetime, count: int, seed: int) -> Iterator[Call]:
    """Yield calls between two moments in the order of their time; the same arguments give the same calls."""
    chance = random.Random(seed)  # noqa: S311 - traffic, not secrets
    times = sorted(_time(chance, start, end) for _ in range(count))
    weights = {day: [item.weight_on(day) for item in APPLICATIONS] for day in range(1, LAST_DAY + 1)}
    for time in times:
        application = chance.choices(APPLICATIONS, weights[time.day])[0]
        yield _call(chance, time, application)


def _time(chance: random.Random, start: datetime, end: datetime) -> datetime:
    days = max(1, (end - start).days)
    while True:
        day = start + timedelta(days=chance.randrange(days))
        if day.weekday() < 5 or chance.random() < WEEKEND_SHARE:  # noqa: PLR2004 - Monday to Friday
            break
    hour = chance.choices(range(24), HOUR_WEIGHTS)[0]
    moment = day.replace(hour=hour, minute=chance.randrange(60), second=chance.randrange(60), tzinfo=UTC)
    return moment + timedelta(milliseconds=chance.randrange(1000))


def _call(chance: random.Random, time: datetime, application: Application) -> Call:
    used = [BY_NAME[name] for name in application.deployments]
    deployment = chance.choices(used, [item.weight for item in used])[0]
    is_chat = deployment.operation is Operation.CHAT
    status = chance.choices((OK, FILTERED, THROTTLED, FAILED), (955, 5 if is_chat else 0, 28, 12))[0]
    is_stream = is_chat and chance.random() < application.streams
    answered = status == OK
    aborted = answered and is_stream and not deployment.reasons and chance.random() < 0.01  # noqa: PLR2004
    halves = answered and not is_stream and is_chat and chance.random() < 0.06  # noqa: PLR2004
    call_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    spilled = bool(deployment.spills_to) and 9 <= time.hour < 12 and chance.random() < 0.35  # noqa: PLR2004
    ending = _ending(chance, application, deployment, status, is_stream=is_stream, aborted=aborted)
    answer_lost = halves and chance.random() < 0.05  # noqa: PLR2004
    if answer_lost:
        ending = _lost(ending)
    prompt, completion = ending.prompt or 0, ending.completion or 0
    return Call(
        call_id=call_id,
        time=time,
        application=application,
        deployment=deployment,
        backend=deployment.spills_to if spilled else deployment.backend,
        status=status,
        attempts=2 if answered and chance.random() < 0.02 else 1,  # noqa: PLR2004
        is_stream=is_stream,
        aborted=aborted,
        halves=halves,
        answer_lost=answer_lost,
        finish_reason=ending.finish_reason,
        charged=ending.charged,
        prompt=ending.prompt,
        prompt_source=ending.prompt_source,
        completion=ending.completion,
        completion_source=ending.completion_source,
        cached=ending.cached,
        reasoning=ending.reasoning,
        duration_ms=120 + prompt // 20 + completion * chance.randint(8, 22),
        words=ending.words,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """What a call came to."""

    finish_reason: str
    charged: Charged
    prompt: int | None = None
    prompt_source: Source = Source.UNKNOWN
    completion: int | None = None
    completion_source: Source = Source.UNKNOWN
    cached: int | None = None
    reasoning: int | None = None
    words: tuple[int, int] = (1, 1)


def _ending(  # noqa: PLR0913 - one argument a fact that decides it
    chance: random.Random,
    application: Application,
    deployment: Deployment,
    status: int,
    *,
    is_stream: bool,
    aborted: bool,
) -> _Ending:
    words = (chance.randint(5, MOST_WORDS), chance.randint(1, MOST_WORDS))
    if status == FILTERED:
        # charged for the prompt's evaluation; nothing was generated, and nothing names the model
        return _Ending(
            finish_reason="content_filter",
            charged=Charged.YES,
            prompt=MODEL_UNKNOWN_PROMPT + words[0],
            prompt_source=Source.ESTIMATED,
            completion=0,
            completion_source=Source.COUNTED,
            words=words,
        )
    if status != OK:
        return _Ending(finish_reason="", charged=Charged.NO, words=words)
    unasked = is_stream and not application.asks_usage and not deployment.reasons
    if unasked or aborted:
        return _counted(deployment, words, aborted=aborted)
    return _reported(chance, deployment, words)


def _counted(deployment: Deployment, words: tuple[int, int], *, aborted: bool) -> _Ending:
    """Return what a stream without usage comes to: the documented formulas over words of one token each."""
    stop = 0 if aborted else STOP_TOKEN
    return _Ending(
        finish_reason="" if aborted else "stop",
        charged=Charged.YES,
        prompt=_prompt_of(deployment, words[0]),
        prompt_source=Source.COUNTED,
        completion=words[1] + stop,
        completion_source=Source.ESTIMATED if aborted else Source.COUNTED,
        words=words,
    )


MODEL_UNKNOWN_PROMPT = 7
"""Around one user message of a chat model (token-accounting: P1)."""
STOP_TOKEN = 1
"""Azure counts the token that ends a text (token-accounting: C2)."""


def _prompt_of(deployment: Deployment, words: int) -> int:
    """Return the tokens of a prompt of one user message (token-accounting: P1 and P2)."""
    return 4 + words + (2 if deployment.reasons else 3)


def _reported(chance: random.Random, deployment: Deployment, words: tuple[int, int]) -> _Ending:
    """Return what an answer with the service's own numbers comes to."""
    prompt = max(8, round(chance.lognormvariate(0, 0.8) * deployment.prompt))
    if deployment.operation is Operation.EMBEDDINGS:
        return _Ending(
            finish_reason="",
            charged=Charged.YES,
            prompt=prompt,
            prompt_source=Source.REPORTED,
            completion=0,
            completion_source=Source.REPORTED,
            words=words,
        )
    completion = max(1, round(chance.lognormvariate(0, 0.7) * deployment.completion))
    cached = prompt * chance.randint(4, 8) // 10 if prompt > 1024 and chance.random() < 0.4 else 0  # noqa: PLR2004
    return _Ending(
        finish_reason=ENDINGS.get(deployment.operation, "stop"),
        charged=Charged.YES,
        prompt=prompt,
        prompt_source=Source.REPORTED,
        completion=completion,
        completion_source=Source.REPORTED,
        cached=cached,
        reasoning=_reasoning(chance, deployment, completion),
        words=words,
    )


def _reasoning(chance: random.Random, deployment: Deployment, completion: int) -> int | None:
    """Return the hidden part of an answer; Responses says 0 for models that do not think, chat says nothing."""
    if deployment.reasons:
        return completion * chance.randint(4, 8) // 10
    return 0 if deployment.operation is Operation.RESPONSES else None


def _lost(ending: _Ending) -> _Ending:
    """Return what is known of a call whose answer was never recorded: its prompt, by a model that nobody names."""
    return _Ending(
        finish_reason="",
        charged=Charged.UNKNOWN,
        prompt=MODEL_UNKNOWN_PROMPT + ending.words[0],
        prompt_source=Source.ESTIMATED,
        words=ending.words,
    )
