"""The accounts that are reconciled, and which of them a backend of the gateway is."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from token_meter.reconciliation.faults import AccountsUnusable

RESOURCE_ID = re.compile(
    r"/subscriptions/(?P<subscription>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"/resourceGroups/[\w().-]{1,90}/providers/Microsoft\.CognitiveServices/accounts/(?P<name>[A-Za-z0-9][\w.-]{1,63})",
    re.IGNORECASE | re.ASCII,
)
HOSTS_OF_ACCOUNTS = re.compile(
    r"(?P<name>[a-z0-9-]+)\.(?:openai\.azure|cognitiveservices\.azure|services\.ai\.azure)\.(?:com|us|cn)"
)
"""An account's hosts begin with its custom subdomain, which is its name unless somebody chose another one."""
MOST_ACCOUNTS = 50
"""Two requests each, well within a timer's ten minutes."""
ELSEWHERE = "elsewhere"
"""An account that is not reconciled."""


@dataclass(frozen=True, slots=True)
class Account:
    """An Azure OpenAI or AI Services resource."""

    resource_id: str
    subscription: str
    name: str

    @property
    def identity(self) -> str:
        """Its resource id in lower case: Resource Manager does not tell capitals apart."""
        return self.resource_id.lower()


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts that are reconciled, and the gateway's backends that do not tell theirs by themselves."""

    accounts: tuple[Account, ...]
    backends: Mapping[str, str] = field(default_factory=dict)
    """Account's name by backend, both in lower case; empty for an account that is not reconciled."""

    def identity_of(self, backend: str) -> str:
        """Return the identity of a backend's account, ELSEWHERE for one that is not reconciled, '' where nothing tells.

        `backend` is what rows have: APIM's backend id, or a host.
        """
        known = {account.name.lower(): account.identity for account in self.accounts}
        wanted = backend.lower()
        if wanted in self.backends:
            return known.get(self.backends[wanted], ELSEWHERE)
        host = HOSTS_OF_ACCOUNTS.fullmatch(wanted)
        if host is not None:
            return known.get(host["name"], ELSEWHERE)
        return known.get(wanted, "")


def accounts_of(resource_ids: Iterable[str], backends: str = "") -> Accounts:
    """Return the accounts of resource ids, and of `backend=account;…` which account a backend is of.

    Raises AccountsUnusable.
    """
    accounts = tuple({account.identity: account for account in map(_account, resource_ids)}.values())
    if not 1 <= len(accounts) <= MOST_ACCOUNTS:
        raise AccountsUnusable(f"name 1 to {MOST_ACCOUNTS} accounts by their resource ids")
    names = {account.name.lower() for account in accounts}
    if len(names) < len(accounts):
        raise AccountsUnusable("two accounts have one name, so no backend tells them apart; reconcile them in two runs")
    return Accounts(accounts, dict(_backend(pair, names) for pair in _parts(backends)))


def account_ids(text: str) -> tuple[str, ...]:
    """Return the resource ids in a setting: `id;id;…`."""
    return tuple(_parts(text))


def _parts(text: str) -> Iterable[str]:
    return filter(None, map(str.strip, text.split(";")))


def _account(resource_id: str) -> Account:
    found = RESOURCE_ID.fullmatch(resource_id.strip().rstrip("/"))
    if found is None:
        raise AccountsUnusable(
            f"{resource_id[:200]!r} is no resource id of an account: /subscriptions/…/resourceGroups/…/providers/"
            "Microsoft.CognitiveServices/accounts/…"
        )
    return Account(found[0], found["subscription"], found["name"])


def _backend(pair: str, names: set[str]) -> tuple[str, str]:
    backend, equals, account = (part.strip().lower() for part in pair.partition("="))
    if not backend or not equals or (account and account not in names):
        raise AccountsUnusable(
            f"RECONCILED_BACKENDS must be backend=account;… with names of reconciled accounts, or backend= for one "
            f"that is not: {pair[:200]!r}"
        )
    return backend, account
