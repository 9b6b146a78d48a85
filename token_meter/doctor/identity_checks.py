"""The identity: whether it gets a token for each service, and who it is."""

import base64
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError

from token_meter.doctor.check import Check, failed, ok
from token_meter.jsontypes import JsonObject, as_object, as_text, parse_json
from token_meter.settings import GUID

EVENT_HUBS, MONITOR, STORAGE = "Event Hubs", "Azure Monitor", "Storage"
LOG_ANALYTICS, MANAGEMENT = "Log Analytics", "Resource Manager"
AUDIENCES: Mapping[str, str] = {
    EVENT_HUBS: "https://eventhubs.azure.net/.default",
    MONITOR: "https://monitor.azure.com/.default",
    STORAGE: "https://storage.azure.com/.default",
    LOG_ANALYTICS: "https://api.loganalytics.io/.default",
    MANAGEMENT: "https://management.azure.com/.default",
}
"""What a token is asked for, by the service that takes it."""
ENTRA_CODE = re.compile(r"AADSTS\d{4,10}")
CLOCK_CODES = frozenset({"AADSTS700024", "AADSTS50013"})
"""Entra's words for an assertion from another time."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who the doctor is, and for which services it has a token."""

    checks: tuple[Check, ...]
    services: frozenset[str]
    object_id: str = ""


def sign_in(credential: TokenCredential, services: frozenset[str], client_id: str) -> SignedIn:
    """Return whether an identity gets a token for each service. The tokens are dropped at once."""
    checks: list[Check] = []
    signed: set[str] = set()
    object_id = ""
    for service in sorted(services):
        name = f"identity: {service}"
        try:
            claims = _claims(credential.get_token(AUDIENCES[service]).token)
        except (AzureError, ValueError) as fault:
            checks.append(failed(name, *_cause(str(fault), client_id)))
            continue
        signed.add(service)
        object_id = object_id or _guid(claims, "oid")
        checks.append(ok(name, f"a token{''.join(_who(claims))}"))
    return SignedIn(tuple(checks), frozenset(signed), object_id)


def _claims(token: str) -> JsonObject:
    """Return what a token says; nothing of one that cannot be read, which is the service's to judge."""
    try:
        payload = token.split(".")[1]
        return as_object(parse_json(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    except (IndexError, ValueError):
        return {}


def _guid(claims: JsonObject, name: str) -> str:
    value = as_text(claims.get(name))
    return value if GUID.fullmatch(value) else ""


def _who(claims: JsonObject) -> Iterator[str]:
    for name, shown in (("appid", " of application"), ("oid", ", object id"), ("tid", ", tenant")):
        if value := _guid(claims, name):
            yield f"{shown} {value}"


def _cause(told: str, client_id: str) -> tuple[str, str]:
    """Return why there is no token, and the cure. Of what was told only Entra's code is passed on."""
    code = ENTRA_CODE.search(told)
    shown = f" ({code[0]})" if code else ""
    if code and code[0] in CLOCK_CODES:
        return f"no token{shown}", "set this machine's clock: `sudo timedatectl set-ntp true`"
    if "IDENTITY_ENDPOINT" in os.environ or "MSI_ENDPOINT" in os.environ:
        named = f"AZURE_CLIENT_ID ({client_id})" if client_id else "the system-assigned identity"
        cure = "set AZURE_CLIENT_ID to the client id of an identity that the app has"
        shows = "`az functionapp identity show --resource-group GROUP --name FUNCTION`"
        return f"the managed identity's endpoint gave no token for {named}{shown}", f"{cure}: {shows}"
    return f"nobody has signed in here{shown}", "sign in: `az login --tenant TENANT`"
