# SPDX-License-Identifier: Apache-2.0
"""What a backend may offer beyond the least, and the capabilities that each offer adds.

An account that implements one of these Protocols has the ability; one that does not is complete
without it, and the commands of that ability answer ``NO command not allowed``.  The account of
each login is asked, so that one backend can serve a strict client and a plain mail client side by
side.  Errors are those of ``imap_server.backend``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Protocol, runtime_checkable

import msgspec

from imap_server.backend import Account, Flags, Mailbox, NotAllowed


class OverQuota(NotAllowed):
    """The account holds no more: NO with OVERQUOTA (RFC 9208 section 4.3.1), nothing was stored."""

    def __init__(self, text: str = "over quota") -> None:
        super().__init__(text, code="OVERQUOTA")


class UnsupportedUse(NotAllowed):
    """A mailbox cannot be made for that: NO with USEATTR (RFC 6154 section 3)."""

    def __init__(self) -> None:
        super().__init__("no mailbox is made for such a use", code="USEATTR")


class TooManyAnnotations(NotAllowed):
    """The account keeps no more annotations: NO with METADATA TOOMANY (RFC 5464 section 4.3)."""

    def __init__(self, text: str = "too many annotations") -> None:
        super().__init__(text, code="METADATA TOOMANY")


class AnnotationTooBig(NotAllowed):
    """A value is longer than ``limit`` octets: NO with METADATA MAXSIZE."""

    def __init__(self, limit: int) -> None:
        super().__init__("annotation too big", code=f"METADATA MAXSIZE {limit}")


class NoPrivateAnnotations(NotAllowed):
    """Nothing may be kept under ``/private``: NO with METADATA NOPRIVATE."""

    def __init__(self) -> None:
        super().__init__("no private annotations", code="METADATA NOPRIVATE")


class Annotation(msgspec.Struct, frozen=True):
    """An entry of METADATA (RFC 5464) and its value; the name begins with ``/private/`` or ``/shared/``."""

    name: str
    value: bytes


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


class Copied(msgspec.Struct, frozen=True):
    """What was copied and under which UIDs: ``uids[n]`` is the copy of ``sources[n]``, both ascending."""

    uid_validity: int
    sources: tuple[int, ...]
    uids: tuple[int, ...]


@runtime_checkable
class Appending(Protocol):
    """An account into which a client may put messages.

    One that is ``Filing`` too takes several at once; another one may refuse more than one.
    """

    async def append(self, name: str, messages: Sequence[NewMessage]) -> Appended | None:
        """Store all ``messages`` or none; durable before it returns.

        None when there is no such mailbox.  Raises NotAllowed for a mailbox or flags that take no
        such message, OverQuota, Unavailable.
        """
        ...


@runtime_checkable
class Filing(Protocol):
    """An account whose mailboxes the client may arrange; each mailbox of it is ``Copying``.

    Names are text with ``/`` between levels; INBOX arrives in capitals.  A refusal is a NotAllowed
    with a code of RFC 5530 where one fits: ``ALREADYEXISTS``, ``NONEXISTENT``, ``CANNOT``.
    """

    async def create(self, name: str, *, uses: Sequence[str] | None = None) -> None:
        """Make a mailbox, and those above it that are missing (RFC 3501 section 6.3.3).

        ``uses``: what it is for (RFC 6154), ``\\Drafts`` for example; None leaves that to the account.
        Raises UnsupportedUse, and has then made nothing.
        """
        ...

    async def delete(self, name: str) -> None:
        """Remove a mailbox with its messages for good (section 6.3.4); INBOX stays."""
        ...

    async def rename(self, name: str, other: str) -> None:
        """Give a mailbox, and those below it, another name (section 6.3.5).

        From INBOX the messages move into a new mailbox, and INBOX is empty.
        """
        ...

    async def subscribe(self, name: str, *, wanted: bool) -> None:
        """Keep a name among the subscribed ones, or forget it (sections 6.3.6, 6.3.7)."""
        ...

    async def subscriptions(self) -> Sequence[str]:
        """The subscribed names, those included whose mailbox is gone."""
        ...


@runtime_checkable
class Copying(Protocol):
    """An open mailbox whose messages may be put into another one of the account.

    Both methods take ``uids`` (ascending), leave out those that are gone, store all or none, and
    are durable before they return.  None when there is no mailbox ``name``.  They raise NotAllowed,
    OverQuota, Unavailable.
    """

    async def copy(self, uids: Sequence[int], name: str) -> Copied | None:
        """With flags and internal date (RFC 3501 section 6.4.7)."""
        ...

    async def move(self, uids: Sequence[int], name: str) -> Copied | None:
        """The same, and they are gone from here in the same transaction (RFC 6851 section 3.3)."""
        ...


class Annotations(Protocol):
    """What clients keep beside the messages.  ``mailbox`` is "" for what concerns the whole account.

    Names are ASCII and compare without case.
    """

    async def read(self, mailbox: str) -> Sequence[Annotation] | None:
        """All of a mailbox; None when there is no such mailbox.  Raises Unavailable."""
        ...

    async def write(self, mailbox: str, values: Mapping[str, bytes | None]) -> bool:
        """Set, or remove where the value is None: all or none, durable before it returns.

        False when there is no such mailbox.  Raises AnnotationTooBig, TooManyAnnotations,
        NoPrivateAnnotations, NotAllowed, Unavailable.
        """
        ...


class Annotated(Protocol):
    """An account with annotations, for some of its clients at least."""

    @property
    def annotations(self) -> Annotations | None:
        """None for a client that is to have none."""
        ...


def appending(account: Account) -> Appending:
    """The account as one that takes messages.  Raises NotAllowed."""
    if not isinstance(account, Appending):
        raise NotAllowed
    return account


def filing(account: Account) -> Filing:
    """The account as one whose mailboxes can be arranged.  Raises NotAllowed."""
    if not isinstance(account, Filing):
        raise NotAllowed
    return account


def annotated(account: Account) -> Annotations:
    """The account's annotations.  Raises NotAllowed."""
    found = _annotations(account)
    if found is None:
        raise NotAllowed
    return found


def takes_messages(account: Account) -> bool:
    """Whether the account is ``Appending``."""
    return _has(type(account), Appending)


def copying(mailbox: Mailbox) -> Copying:
    """The mailbox as one to copy from.  Raises NotAllowed."""
    if not isinstance(mailbox, Copying):
        raise NotAllowed
    return mailbox


_REV2_NEEDS = frozenset({b"BINARY", b"ENABLE", b"ESEARCH", b"LIST-EXTENDED", b"LIST-STATUS", b"UIDPLUS"})
"""Extensions that IMAP4rev2 took in (RFC 9051 appendix E) and that an embedder might leave out."""


def offered(account: Account, shown: Collection[bytes], *, max_append_bytes: int) -> tuple[bytes, ...]:
    """The capabilities that an account adds to those ``shown`` (RFC 3502, 5464, 6154, 6851, 7889).

    IMAP4rev2 has MOVE and folders in it, so only an account with both may promise it.
    """
    names: list[bytes] = []
    if _has(type(account), Appending):
        names.append(b"APPENDLIMIT=%d" % max_append_bytes)
    if _has(type(account), Filing):
        names += [b"MOVE", b"MULTIAPPEND", b"CREATE-SPECIAL-USE"]
        if _REV2_NEEDS.issubset(shown):
            names.append(b"IMAP4rev2")
    if _annotations(account) is not None:
        names.append(b"METADATA")
    return tuple(names)


def _annotations(account: Account | Annotated) -> Annotations | None:
    """Of an account that is ``Annotated``."""
    return getattr(account, "annotations", None)


@lru_cache(maxsize=64)
def _has(kind: type[Account], ability: type) -> bool:
    """Asked at every login, and slow to find out."""
    return issubclass(kind, ability)
