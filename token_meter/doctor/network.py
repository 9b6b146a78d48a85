"""The way to each service: its name, a connection, TLS, and what time it says it is."""

import http.client
import os
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi

from token_meter.doctor.check import Check, State, failed, ok, skipped
from token_meter.doctor.identity_checks import EVENT_HUBS

LONGEST_WAIT = 10
"""Seconds for a connection, and for an answer."""
MOST_APART = timedelta(minutes=5)
"""What Entra tolerates of a clock (the `nbf` and `exp` of its tokens); Storage takes 15 minutes."""
AMQPS = 5671
TRUSTED = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Where the HTTP library of Azure's clients looks for certificates to trust, before its own."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is reached over the network."""

    name: str
    host: str
    port: int
    tls: bool
    zone: str
    """Of private DNS, where it has a private endpoint."""
    http: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a service: the check, and what its clock said and this machine's then."""

    check: Check
    clocks: tuple[datetime, datetime] | None = None

    @property
    def reached(self) -> bool:
        """Whether what asks the service need not be left out."""
        return self.check.state is not State.FAILED


def service_at(name: str, url: str, zone: str) -> Service:
    """Return the HTTP service at an address."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    return Service(name, parts.hostname or "", parts.port or (443 if tls else 80), tls, zone)


def hub_service(host: str, *, emulator: bool) -> Service:
    """Return a hub's service, by its host with or without a port."""
    parts = urlsplit(f"//{host}")
    port = parts.port or (5672 if emulator else AMQPS)
    zone = "privatelink.servicebus.windows.net"
    return Service(EVENT_HUBS, parts.hostname or "", port, tls=not emulator, zone=zone, http=False)


def look_at(service: Service) -> Seen:
    """Return how far one comes to a service."""
    name = f"network: {service.name}"
    if service.http and service.tls and "https" in getproxies() and not proxy_bypass(service.host):
        return Seen(skipped(name, f"{service.host} is behind a proxy (HTTPS_PROXY)"))
    try:
        addresses = sorted({str(item[4][0]) for item in socket.getaddrinfo(service.host, service.port)})
        clocks = _connect(service)
    except (OSError, UnicodeError, http.client.HTTPException) as fault:
        return Seen(failed(name, *_cause(service, fault)))
    kind = "private" if all(ip_address(item.partition("%")[0]).is_private for item in addresses) else "public"
    seen = f"{service.host} is {', '.join(addresses)} ({kind}), port {service.port} answers"
    return Seen(ok(name, seen + (" over TLS" if service.tls else "")), clocks)


def _connect(service: Service) -> tuple[datetime, datetime] | None:
    """Connect, and where it is HTTP ask for nothing and read the answer's time."""
    if not service.http:
        with socket.create_connection((service.host, service.port), LONGEST_WAIT) as plain:
            if service.tls:
                with _trust(certifi.where()).wrap_socket(plain, server_hostname=service.host):
                    pass
        return None
    where = (service.host, service.port)
    bundle = next((os.environ[name] for name in TRUSTED if os.environ.get(name)), certifi.where())
    connection = (
        http.client.HTTPSConnection(*where, timeout=LONGEST_WAIT, context=_trust(bundle))
        if service.tls
        else http.client.HTTPConnection(*where, timeout=LONGEST_WAIT)
    )
    try:
        connection.request("HEAD", "/")
        said = connection.getresponse().getheader("Date", "")
    finally:
        connection.close()
    try:
        return parsedate_to_datetime(said).astimezone(UTC), datetime.now(UTC)
    except ValueError:
        return None


def _trust(bundle: str) -> ssl.SSLContext:
    folder = os.path.isdir(bundle)  # noqa: PTH112 - as the HTTP library looks at it
    return ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)


def _cause(service: Service, fault: Exception) -> tuple[str, str]:
    """Return what failed on the way, and its cure."""
    host, port = service.host, service.port
    if isinstance(fault, socket.gaierror | UnicodeError):
        links = f"az network private-dns link vnet list --resource-group GROUP --zone-name {service.zone}"
        cure = "check it in the settings; where the service has a private endpoint, link its zone to this network"
        return f"the name {host} is not known here", f"{cure}: `{links}`"
    if isinstance(fault, ssl.SSLCertVerificationError):
        bundle = "set REQUESTS_CA_BUNDLE to the file with your company's certificates, where something inspects TLS"
        cure = bundle if service.http else "tell what inspects TLS to leave this host alone"
        return f"the certificate of {host} is not trusted: {fault.verify_message}", f"{cure}; check this clock, too"
    if isinstance(fault, ssl.SSLError):
        return f"{host}:{port} does not speak TLS", "check the address in the settings; TLS 1.2 must get through"
    if isinstance(fault, TimeoutError):
        what = f"{host}:{port} does not answer within {LONGEST_WAIT} s"
    elif isinstance(fault, ConnectionRefusedError):
        what = f"{host}:{port} refuses connections"
    else:
        what = f"{host}:{port} cannot be reached ({type(fault).__name__})"
    return what, (
        f"let this network out to {host} on port {port}, or where public access is off run where the private endpoint "
        f"is seen: `az network private-endpoint list --resource-group GROUP --output table`"
    )


def clock_check(seen: Sequence[Seen]) -> Iterator[Check]:
    """Yield the check of this machine's clock against the first service's that told the time."""
    clocks = next((item.clocks for item in seen if item.clocks is not None), None)
    if clocks is None:
        yield skipped("clock", "no service told the time")
        return
    theirs, ours = clocks
    apart = abs(ours - theirs)
    which = "ahead of" if ours > theirs else "behind"
    told = f"this clock is {apart.total_seconds():.0f} s {which} Azure's"
    if apart <= MOST_APART:
        yield ok("clock", told)
    else:
        cure = "set it, or tokens count as expired or not yet valid: `sudo timedatectl set-ntp true`"
        yield failed("clock", told, cure)
