# SPDX-License-Identifier: Apache-2.0
"""What may be said of a subscriber's client, whoever says it: the API, a command, an import, a file.

A profile beyond these rules makes an SMS that cannot be sent, or that the client does not understand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from vvm.domain.errors import Refusal
from vvm.domain.prefix import PREFIX_RULE, is_prefix
from vvm.domain.subscriber import ClientProfile

LEAST_VERSION, MOST_VERSION = 10, 99
MAX_PORT = 32_767
"""Of what an operator says: AOSP reads the port of an SMS into a signed short; the sheet's row SMS-07."""
MAX_LEARNED_PORT = 65_535
"""Of what a client says by itself, and so of an export and its import."""
CLIENT_TYPE_LENGTH = 30
SOURCE_PATTERN = r"^[0-9]{0,20}\Z"
SOURCE_RULE = "digits only, at most 20"
LINE_PATTERN = r"^[^\x00-\x1f\x7f]*\Z"
LINE_RULE = "a text without anything that controls"

_SOURCE = re.compile(SOURCE_PATTERN)
_LINE = re.compile(LINE_PATTERN)
_RULES: Mapping[str, tuple[str, Callable[[ClientProfile], object]]] = {
    "protocol_version": (
        f"{LEAST_VERSION} to {MOST_VERSION}",
        lambda client: LEAST_VERSION <= client.protocol_version <= MOST_VERSION,
    ),
    "client_type": (
        f"at most {CLIENT_TYPE_LENGTH} characters, none that controls",
        lambda client: len(client.client_type) <= CLIENT_TYPE_LENGTH and _LINE.match(client.client_type),
    ),
    "prefix": (PREFIX_RULE, lambda client: is_prefix(client.prefix)),
    "source": (SOURCE_RULE, lambda client: _SOURCE.match(client.source)),
    "number": ("left out: it is learned when an alias activates", lambda client: not client.number),
}


class BadClient(Refusal):
    """The text names the field and the rule."""

    code = "bad_client"


def client_faults(
    client: ClientProfile, *, known: ClientProfile | None = None, most_port: int = MAX_PORT
) -> Iterator[tuple[str, str]]:
    """Each field that breaks its rule, and the rule.

    What ``known`` says already may stay: the client itself may have said it.
    """

    def fits_port(client: ClientProfile) -> bool:
        return 0 <= client.port <= most_port

    rules = {**_RULES, "port": (f"at most {most_port}, or 0 for no port", fits_port)}
    for field, (rule, fits) in rules.items():
        stays = known is not None and getattr(client, field) == getattr(known, field)
        if not stays and not fits(client):
            yield field, rule


def check_client(client: ClientProfile, *, known: ClientProfile | None = None) -> None:
    """Raises BadClient for the first of ``client_faults``; the port may be one that a client has told."""
    for field, rule in client_faults(client, known=known, most_port=MAX_LEARNED_PORT):
        raise BadClient(f"client.{field}: {rule}")
