"""Who calls what in the made-up company: forty applications of eight cost centres, twelve deployments.

Two applications are new in the month, two fall silent, two run away for a day.
"""

import uuid
from dataclasses import dataclass

from token_meter.codes import Operation

NAMES = uuid.UUID("2b7f0e0c-9a55-4e0a-8a3e-5f6f7f1c9d10")


def guid(name: str) -> str:
    """Return the made-up but lasting id of a name."""
    return str(uuid.uuid5(NAMES, name))


TENANT = guid("fabrikam.example")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model as the company deployed it."""

    name: str
    model: str
    """What the service says it ran."""
    operation: Operation
    region: str
    backend: str
    weight: int
    """How often it is called, against the others."""
    prompt: int
    completion: int
    """Medians of tokens a call."""
    spills_to: str = ""
    """Backend that takes over when the provisioned one is full."""

    @property
    def reasons(self) -> bool:
        """Whether the model thinks before it answers."""
        return self.model.startswith(("gpt-5", "o4"))


CHAT, EMBEDDINGS, RESPONSES, MESSAGES = Operation.CHAT, Operation.EMBEDDINGS, Operation.RESPONSES, Operation.MESSAGES
DEPLOYMENTS: tuple[Deployment, ...] = (
    Deployment("chat-standard", "gpt-4o-2024-11-20", CHAT, "Sweden Central", "aoai-sweden", 22, 900, 180),
    Deployment("chat-small", "gpt-4o-mini-2024-07-18", CHAT, "Sweden Central", "aoai-sweden", 26, 700, 150),
    Deployment("chat-41", "gpt-4.1-2025-04-14", CHAT, "West Europe", "aoai-west", 9, 1500, 260),
    Deployment("chat-41-mini", "gpt-4.1-mini-2025-04-14", CHAT, "West Europe", "aoai-west", 8, 800, 140),
    Deployment(
        "chat-provisioned",
        "gpt-4o-2024-08-06",
        CHAT,
        "France Central",
        "aoai-ptu",
        10,
        1200,
        220,
        "aoai-west",
    ),
    Deployment("thinker", "gpt-5-2025-08-07", CHAT, "Sweden Central", "aoai-sweden", 5, 1100, 900),
    Deployment("thinker-mini", "gpt-5-mini-2025-08-07", CHAT, "Sweden Central", "aoai-sweden", 4, 900, 600),
    Deployment("planner", "o4-mini-2025-04-16", RESPONSES, "East US 2", "aoai-east", 3, 1300, 700),
    Deployment("agent", "gpt-4.1-2025-04-14", RESPONSES, "East US 2", "aoai-east", 4, 2400, 300),
    Deployment("embed-large", "text-embedding-3-large", EMBEDDINGS, "West Europe", "aoai-west", 6, 450, 0),
    Deployment("embed-small", "text-embedding-3-small", EMBEDDINGS, "West Europe", "aoai-west", 8, 300, 0),
    Deployment("claude", "claude-sonnet-4-5", MESSAGES, "East US 2", "foundry-east", 4, 1400, 350),
)


LAST_DAY = 31
SURGE = 8
NEWCOMERS = {11: 12, 22: 24}
"""First day by the number of the application."""
LEAVERS = {13: 9, 17: 18}
"""Last day, likewise."""
SURGES = {6: 21, 9: 26}
"""The day on which something runs away, likewise."""


@dataclass(frozen=True, slots=True)
class Application:
    """An application that calls through the gateway."""

    name: str
    cost_centre: str
    product: str
    weight: int
    deployments: tuple[str, ...]
    streams: float
    """Share of its chat calls that are streams, and whether those ask for usage."""
    asks_usage: bool
    first_day: int = 1
    """Of the month, on which it calls for the first time."""
    last_day: int = LAST_DAY
    """Of the month, on which it calls for the last time."""
    surge_day: int = 0
    """Of the month, on which it calls many times as often; 0 is none."""

    def weight_on(self, day: int) -> int:
        """Return how often it calls on a day of the month, against the others."""
        if not self.first_day <= day <= self.last_day:
            return 0
        return self.weight * (SURGE if day == self.surge_day else 1)

    @property
    def app_id(self) -> str:
        """Its Entra application id."""
        return guid(self.name)


KINDS = ("assistant", "search", "summaries", "classifier", "translator")
TEAMS = ("claims", "legal", "retail", "field", "finance", "people", "support", "labs")


def _application(number: int) -> Application:
    team, kind = TEAMS[number % len(TEAMS)], KINDS[number // len(TEAMS)]
    begin = number * 5 % len(DEPLOYMENTS)
    used = tuple(DEPLOYMENTS[(begin + step * 7) % len(DEPLOYMENTS)].name for step in range(1 + number % 4))
    return Application(
        name=f"{team}-{kind}",
        cost_centre=f"CC-{1000 + 110 * (number % len(TEAMS))}",
        product="ai-premium" if number % 5 == 0 else "ai-standard",
        weight=max(1, 120 // (number + 2)),
        deployments=used,
        streams=(0.0, 0.3, 0.7, 1.0)[number % 4],
        asks_usage=number % 3 != 0,
        first_day=NEWCOMERS.get(number, 1),
        last_day=LEAVERS.get(number, LAST_DAY),
        surge_day=SURGES.get(number, 0),
    )


APPLICATIONS: tuple[Application, ...] = tuple(_application(number) for number in range(len(TEAMS) * len(KINDS)))
