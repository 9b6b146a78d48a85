"""The settings: that none is missing, misspelt, left as the example has it, or of a form that cannot work."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches

from token_meter.doctor.check import Check, failed, ok
from token_meter.doctor.cures import DEPLOYED, RULES, set_setting
from token_meter.doctor.installation import Installation
from token_meter.metrics.options import connection_of
from token_meter.settings import GUID, Settings, SettingsUnusable
from token_meter.sources import InputUnusable
from token_meter.sources.hub_address import CONNECTION_VARIABLE, HubAddress, hub_address

NAMESPACE, HUB, GROUP = "EventHubConnection__fullyQualifiedNamespace", "EVENT_HUB_NAME", "EVENT_HUB_CONSUMER_GROUP"
EMULATOR = "EventHubConnection"
OF_THE_TRIGGER = (NAMESPACE, HUB, GROUP)
OTHERS = ("EventHubConnection__credential", "EventHubConnection__clientId", EMULATOR)
NEEDED = ("LOGS_INGESTION_ENDPOINT", "LOGS_INGESTION_RULE_ID")
LETTERS = "DEAD_LETTER_CONTAINER_URL"
STAND_INS = {
    "LOGS_INGESTION_ENDPOINT": "https://missing.invalid",
    "LOGS_INGESTION_RULE_ID": "dcr-missing",
    LETTERS: "https://missing.invalid/missing",
}
"""Usable in form, and nothing else; no request ever goes there."""
VARIABLE = re.compile(r"[A-Z]+(?:_[A-Z]+)+")
KNOWN = frozenset({item.metadata["variable"] for item in fields(Settings)}) | {*OF_THE_TRIGGER, *OTHERS}
RULE_ID = re.compile(r"dcr-[0-9a-f]{32}")
PLACEHOLDER = re.compile(r"<[^<>]+>")
CLIENT_IDS = ("AZURE_CLIENT_ID", "EventHubConnection__clientId")
ALIKE = 0.87
"""Of two names, from 0 to 1, above which one is taken for a misspelling of the other."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What the settings say, as far as they can work."""

    checks: tuple[Check, ...]
    settings: Settings | None
    hub: HubAddress | None
    group: str = ""


def look_at_settings(installation: Installation) -> Looked:
    """Return the checks of the settings, and what they say."""
    variables = {name: value.strip() for name, value in installation.variables.items()}
    missing = list(_missing(variables))
    hub, unusable_hub = _hub(variables)
    faults = [*missing, *_misspelt(variables), *_malformed(variables), *unusable_hub]
    settings = None
    try:
        # what is missing was told; with something in its place the others are judged as well
        settings = Settings.read({**variables, **{check.name: STAND_INS.get(check.name, "") for check in missing}})
    except SettingsUnusable as unusable:
        name = VARIABLE.search(str(unusable))
        shown = name[0] if name else "settings"
        if shown not in {check.name for check in faults}:
            faults.append(failed(shown, str(unusable), f"set it as it says: {set_setting(shown, 'VALUE')}"))
    if any(check.name in STAND_INS for check in missing):
        settings = None
    seen = f"{sum(name in KNOWN for name in variables)} settings of {installation.source} can work"
    return Looked(tuple(faults) or (ok("settings", seen),), settings, hub, variables.get(GROUP, ""))


def _missing(variables: Mapping[str, str]) -> Iterator[Check]:
    needed = [*NEEDED, HUB, GROUP]
    if not variables.get(EMULATOR):
        needed.append(NAMESPACE)
    if not variables.get("DEAD_LETTER_FOLDER"):
        needed.append(LETTERS)
    for name in needed:
        if not variables.get(name):
            cure = f"take its value from `{DEPLOYED}` and set it: {set_setting(name, 'VALUE')}"
            yield failed(name, "is not set", cure)


def _misspelt(variables: Mapping[str, str]) -> Iterator[Check]:
    """Yield names that nobody reads and that are nearly one which is not set."""
    unset = [name for name in KNOWN if not variables.get(name)]
    for name in sorted(set(variables) - KNOWN):
        meant = get_close_matches(name, unset, 1, ALIKE)
        if meant:
            yield failed(name, f"is no setting of the meter; {meant[0]} is, and is not set", f"rename it to {meant[0]}")


def _malformed(variables: Mapping[str, str]) -> Iterator[Check]:
    for name in sorted(KNOWN & set(variables)):
        if PLACEHOLDER.search(variables[name]):
            yield failed(name, "is still the example's", f"take its value from `{DEPLOYED}`")
    rule = variables.get("LOGS_INGESTION_RULE_ID", "")
    if rule and not RULE_ID.fullmatch(rule) and not PLACEHOLDER.search(rule):
        yield failed(
            "LOGS_INGESTION_RULE_ID",
            "is no immutable id, which is dcr- and 32 hexadecimal digits",
            f"take `immutableId` of the rule, not its name or resource id: `{RULES}`",
        )
    ids = {name: variables.get(name, "") for name in CLIENT_IDS}
    authentication = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
    ids[authentication] = connection_of(variables.get(authentication, "")).get("clientid", "")
    for name, value in ids.items():
        if value and not GUID.fullmatch(value):
            yield failed(
                name,
                "names its identity by something that is no GUID",
                "take the identity's `clientId`, not its name or object id: `az identity list --resource-group GROUP "
                '--query "[].[name, clientId]" --output table`',
            )


def _hub(variables: Mapping[str, str]) -> tuple[HubAddress | None, list[Check]]:
    """Return the hub that the trigger reads, and why it cannot; neither where it is not told."""
    name = variables.get(HUB, "")
    connection, namespace = variables.get(EMULATOR, ""), variables.get(NAMESPACE, "")
    if not name or not (connection or namespace) or PLACEHOLDER.search(namespace):
        return None, []
    try:
        if connection:
            return hub_address(name, {CONNECTION_VARIABLE: connection}), []
        return hub_address(f"{namespace}/{name}", {}), []
    except InputUnusable:
        cure = f"set {NAMESPACE} to NAMESPACE.servicebus.windows.net and {HUB} to the hub's name, and remove {EMULATOR}"
        seen = "holds a key, or is no connection string" if connection else "is no host name"
        return None, [failed(EMULATOR if connection else NAMESPACE, seen, cure)]
