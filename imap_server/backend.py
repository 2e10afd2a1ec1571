# SPDX-License-Identifier: Apache-2.0
"""What the server asks of a mail store, so that the library never learns where messages live.

Every method is one consistent read or one transaction.  Three errors may come out of them; any
other exception is a bug, is logged, and ends the connection:

* ``Denied``       login only: the credentials, or the state of the account, do not admit this peer;
* ``NotAllowed``   the profile refuses the operation: the command is answered NO with its text;
* ``Unavailable``  the storage did not answer.  At login the client hears NO; anywhere else the
  connection ends with BYE and nothing tagged, because a client that is told "no messages" deletes
  its own copies (spec/omtp-vvm.md 11.1).

All methods run on the event loop of the server.  The server bounds every command with
``ImapSettings.command_seconds``, so an implementation may be cancelled at any await.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from imap_server.roster import Flags, MessageState, Roster

__all__ = ["Flags", "MessageState", "Roster"]  # defined elsewhere, and taken from here by everybody


class Denied(Exception):
    """The login is refused; ``text`` follows ``NO`` verbatim (spec/omtp-vvm.md 9.5).

    ``code`` is a response code without its brackets.  Leave it out for the texts that handsets
    compare; it is there for clients that read RFC 5530.
    """

    def __init__(self, text: str, *, code: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class NotAllowed(Exception):
    """The profile does not let this peer do that; ``text`` follows ``NO`` verbatim."""

    def __init__(self, text: str = "command not allowed", *, code: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class Unavailable(Exception):
    """The storage did not answer; the same request may work later."""


class Ended(Exception):
    """What the peer logged in to is open to it no more; ``text`` follows ``BYE`` verbatim."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Peer(msgspec.Struct, frozen=True):
    """Who is at the other end of a connection.

    ``address`` is the numeric address without port, ``connection_id`` is unique in this process
    and stands in every log line of the connection.
    """

    address: str
    tls: bool
    connection_id: int
    end_point: bytes | None = None
    """The hash of the certificate that its TLS showed (``tls-server-end-point``, RFC 5929 section 4)."""


class MailboxEntry(msgspec.Struct, frozen=True):
    """One line of LIST; ``attributes`` as on the wire, for example ``\\HasNoChildren``."""

    name: str
    attributes: tuple[str, ...] = ()


class MailboxStatus(msgspec.Struct, frozen=True):
    """The figures of STATUS (RFC 3501 section 6.3.10); ``size`` is the sum of RFC822.SIZE in octets."""

    messages: int
    unseen: int
    uid_next: int
    uid_validity: int
    highest_modseq: int
    size: int
    mailbox_id: str = ""
    """As in ``Snapshot``."""
    append_limit: int | None = None
    """The most octets of a message that APPEND takes here (RFC 7889), 0 where it takes none.

    None for the server's own limit, where the account takes messages at all.
    """


class QuotaResource(msgspec.Struct, frozen=True):
    """One triplet of QUOTA (RFC 9208 section 4.2.1).

    ``voice`` and ``MESSAGE`` count messages, ``STORAGE`` units of 1024 octets.  ``limit`` is above zero.
    """

    name: str
    used: int
    limit: int


class Quota(msgspec.Struct, frozen=True):
    """A quota root and its resources in the order in which they are sent (``voice`` first)."""

    root: str
    resources: tuple[QuotaResource, ...]


class Snapshot(msgspec.Struct, frozen=True):
    """A mailbox at one instant, as SELECT reports it.

    ``flags`` are those that messages here may carry, ``permanent_flags`` those that a client may
    change for good (``\\*`` when it may invent keywords).
    """

    uid_validity: int
    uid_next: int
    highest_modseq: int
    flags: tuple[str, ...]
    permanent_flags: tuple[str, ...]
    messages: Roster
    mailbox_id: str = ""
    """Letters, digits, ``_`` and ``-``; stays under every name, is no other mailbox's (RFC 8474 section 4).

    May be left empty by an account whose mailboxes all have a UIDVALIDITY of their own: it serves then.
    """


class Changes(msgspec.Struct, frozen=True):
    """What happened after a MODSEQ.

    ``changed`` holds messages that are new or whose flags moved, ``expunged`` the UIDs that are
    gone.  A message that came and went in between may be in ``expunged`` only, or in neither.
    """

    highest_modseq: int
    uid_next: int
    changed: Sequence[MessageState] = ()
    expunged: Sequence[int] = ()


class PartSpan(msgspec.Struct, frozen=True):
    """Where one MIME part lies in the octets of its message.

    ``number`` is the section number of RFC 3501 section 6.4.5 (``1``, ``2``, ``2.1``).  The MIME
    header is ``[mime_start:body_start]`` with its empty line, the content still in its transfer
    encoding ``[body_start:body_end]``.  A message that is not multipart has one span, number
    ``1``, whose header is that of the message.  ``message`` is true for ``message/rfc822``: only
    such a part has ``HEADER`` and ``TEXT`` of its own.
    """

    number: str
    mime_start: int
    body_start: int
    body_end: int
    message: bool = False


class MessageRecord(msgspec.Struct, frozen=True):
    """Everything FETCH needs except the octets, computed once when the message was stored.

    ``internal_date`` is aware; ``size`` is the count of octets of the whole message; ``header`` is
    its header block with the empty line.  ``envelope``, ``body`` (no extension data) and
    ``body_structure`` are ready IMAP syntax including their outer parentheses.
    """

    uid: int
    flags: Flags
    modseq: int
    internal_date: datetime
    size: int
    header: bytes
    envelope: bytes
    body: bytes
    body_structure: bytes
    parts: tuple[PartSpan, ...]
    email_id: str
    """Letters, digits, ``_`` and ``-``; the content's for ever, and shared by its copies alone (RFC 8474)."""
    preview: str = ""
    """What a list shows of the message (RFC 8970); empty where there is nothing to say."""


class FlagMode(enum.Enum):
    """How STORE combines its flags with those of a message (RFC 3501 section 6.4.6)."""

    REPLACE = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"


class FlagChange(msgspec.Struct, frozen=True):
    """A change of flags; system flags arrive in canonical spelling, keywords as the client wrote them.

    Keywords compare without case.  ``\\Recent`` is never in ``flags``: the server refuses it.
    """

    mode: FlagMode
    flags: Flags


class Mailbox(Protocol):
    """An open mailbox; each session that selects one has a handle of its own."""

    async def snapshot(self) -> Snapshot:
        """The whole mailbox at one instant; called once, right after ``Account.select``.

        Raises NotAllowed with NONEXISTENT when there is none, Unavailable.
        """
        ...

    async def changes(self, since_modseq: int) -> Changes:
        """What was committed after ``since_modseq``, the own changes of this session included.

        Called before almost every command: one cheap read when nothing changed.  A client that
        comes back after months asks from the MODSEQ that it knew then (RFC 7162 section 3.2): who
        has forgotten so early a journal names every UID below ``uid_next`` that is no more.
        """
        ...

    async def messages(self, uids: Sequence[int]) -> Sequence[MessageRecord]:
        """The records of ``uids`` (ascending), ascending by UID; those that are gone are left out."""
        ...

    async def read(self, uid: int) -> bytes | None:
        """The octets of a message, the same for ever; None when it is gone."""
        ...

    async def store(
        self, uids: Sequence[int], change: FlagChange, *, unchanged_since: int | None = None
    ) -> Sequence[MessageState]:
        """Change flags of all ``uids`` or of none; the new states of those that still exist.

        A message whose flags did not move keeps its MODSEQ.  With ``unchanged_since`` a message
        whose MODSEQ is above it stays as it is and is left out of the answer; nothing comes between
        that comparison and the change (RFC 7162 section 3.1.3).  Raises NotAllowed for a flag that
        this mailbox does not take, and then changes nothing.
        """
        ...

    async def expunge(self, uids: Collection[int] | None) -> Sequence[int]:
        """Remove for good what is flagged ``\\Deleted``, only within ``uids`` when they are given.

        Returns the UIDs removed.  Durable before it returns.  Raises NotAllowed.
        """
        ...

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` on the event loop when this mailbox may have moved.

        Hints may be lost or repeated: IDLE also asks ``changes`` every ``idle_poll_seconds``.
        Returns the function that ends the subscription; it may be called twice.
        """
        ...


class Account(Protocol):
    """What one login opened."""

    @property
    def user(self) -> str:
        """The name for log lines."""
        ...

    async def list(self) -> Sequence[MailboxEntry]:
        """All mailboxes that this client may see; ``INBOX`` is always among them."""
        ...

    async def status(self, name: str) -> MailboxStatus | None:
        """The figures of a mailbox, None when there is no such mailbox.

        Raises NotAllowed (OMTP refuses STATUS on Greetings).
        """
        ...

    async def select(self, name: str) -> Mailbox | None:
        """Open a mailbox, None when there is no such mailbox; its ``snapshot`` may say so as well.

        ``INBOX`` arrives in capitals whatever the client wrote; other names arrive as written.
        """
        ...

    async def quota(self, name: str) -> Quota | None:
        """The quota root that governs a mailbox or would, None when there can be none of that name."""
        ...


class Backend(Protocol):
    """Where accounts come from."""

    async def login(self, user: str, password: str, peer: Peer) -> Account:
        """Check the credentials and open the account.  Raises Denied, Unavailable."""
        ...
