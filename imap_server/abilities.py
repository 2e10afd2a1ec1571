# SPDX-License-Identifier: Apache-2.0
"""What a backend may offer beyond the least, and the capabilities that each offer adds.

An account that implements one of these Protocols has the ability; one that does not is complete
without it, and the commands of that ability answer ``NO command not allowed``.  The account of
each login is asked, so that one backend can serve a strict client and a plain mail client side by
side.  Errors are those of ``imap_server.backend``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Protocol, runtime_checkable

import msgspec

from imap_server.backend import Account, Flags, NotAllowed


class OverQuota(NotAllowed):
    """The account holds no more: NO with OVERQUOTA (RFC 9208 section 4.3.3), nothing was stored."""

    def __init__(self, text: str = "over quota") -> None:
        super().__init__(text, code="OVERQUOTA")


class NewMessage(msgspec.Struct, frozen=True):
    """One message of APPEND.

    ``octets`` are as the client sent them, at most ``ImapSettings.max_append_bytes`` together.
    ``flags`` as in ``FlagChange``.  ``internal_date`` is aware; None stands for now.
    """

    octets: bytes
    flags: Flags
    internal_date: datetime | None


class Appended(msgspec.Struct, frozen=True):
    """Where messages went: their UIDs in the order in which they were given (RFC 4315 section 3)."""

    uid_validity: int
    uids: tuple[int, ...]


@runtime_checkable
class Appending(Protocol):
    """An account into which a client may put messages."""

    async def append(self, name: str, messages: Sequence[NewMessage]) -> Appended | None:
        """Store all ``messages`` or none; durable before it returns.

        None when there is no such mailbox.  Raises NotAllowed for a mailbox or flags that take no
        such message, OverQuota, Unavailable.
        """
        ...


def appending(account: Account) -> Appending:
    """The account as one that takes messages.  Raises NotAllowed."""
    if not isinstance(account, Appending):
        raise NotAllowed
    return account


@lru_cache(maxsize=64)
def _appends(kind: type[Account]) -> bool:
    return issubclass(kind, Appending)


def offered(account: Account, *, max_append_bytes: int) -> tuple[bytes, ...]:
    """The capabilities that an account adds (RFC 3502, RFC 7889)."""
    names: list[bytes] = []
    if _appends(type(account)):
        names += [b"MULTIAPPEND", b"APPENDLIMIT=%d" % max_append_bytes]
    return tuple(names)
