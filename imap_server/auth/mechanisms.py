# SPDX-License-Identifier: Apache-2.0
"""The SASL mechanisms by name, and which of them a session is offered."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from imap_server.auth.conversation import KnowsPasswords, Mechanism
from imap_server.auth.cram_md5 import cram_md5
from imap_server.auth.digest_md5 import digest_md5
from imap_server.auth.plain import login, plain
from imap_server.auth.scram import PLUS, scram_sha_256, scram_sha_256_plus
from imap_server.backend import Backend
from imap_server.settings import SaslMechanism

MECHANISMS: dict[SaslMechanism, Mechanism] = {
    "PLAIN": plain,
    "LOGIN": login,
    "SCRAM-SHA-256": scram_sha_256,
    PLUS: scram_sha_256_plus,
    "DIGEST-MD5": digest_md5,
    "CRAM-MD5": cram_md5,
}
_SENDS_PASSWORD = frozenset({"PLAIN", "LOGIN"})


def offered(
    allowed: Iterable[SaslMechanism], backend: Backend, *, bound: bool = False
) -> dict[bytes, Mechanism]:
    """Those that the settings allow and the backend can serve, in the order of the settings.

    ``bound``: the peer's TLS has a channel binding that we know.
    """
    return {
        name.encode(): MECHANISMS[name]
        for name in allowed
        if (name in _SENDS_PASSWORD or _knows_passwords(type(backend))) and (bound or name != PLUS)
    }


@lru_cache(maxsize=8)
def _knows_passwords(kind: type[Backend]) -> bool:
    """Asked for every greeting, and slow to find out."""
    return issubclass(kind, KnowsPasswords)
