# SPDX-License-Identifier: Apache-2.0
"""One client's session: what is open, what was answered, and no socket.

Commands talk to this object.  What they answer is collected in ``out``; the connection writes it
in one piece when the client is next waited for.  The few commands that need the line itself
(AUTHENTICATE, STARTTLS, IDLE, a large FETCH) reach it through the ``Link`` protocol.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from typing import Protocol

import msgspec

from imap_server import abilities
from imap_server.backend import Account, Backend, Mailbox, Peer
from imap_server.errors import Bad
from imap_server.metrics import Limit, Metrics
from imap_server.settings import ImapSettings
from imap_server.view import PLAIN, Style, View
from imap_server.wire import encoder
from imap_server.wire.output import Output


class State(enum.Enum):
    """The states of RFC 3501 section 3; ENDED is Logout."""

    NOT_AUTHENTICATED = enum.auto()
    AUTHENTICATED = enum.auto()
    SELECTED = enum.auto()
    ENDED = enum.auto()

    __hash__ = object.__hash__  # each exists once; Enum's own, of the name, takes a call for every look-up


class Extension(enum.Enum):
    """What a client must enable before it is spoken (RFC 5161); the value is its capability."""

    CONDSTORE = b"CONDSTORE"
    QRESYNC = b"QRESYNC"
    REV2 = b"IMAP4rev2"
    """Also what RFC 9051 says otherwise than RFC 3501: ESEARCH, no RECENT, names in UTF-8."""

    __hash__ = object.__hash__


ANY = frozenset({State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED})
LOGGED_IN = frozenset({State.AUTHENTICATED, State.SELECTED})
SELECTED = frozenset({State.SELECTED})
NOT_LOGGED_IN = frozenset({State.NOT_AUTHENTICATED})


class Link(Protocol):
    """What a command may ask of the connection.  Every method raises PeerGone when that is over."""

    async def flush(self) -> None:
        """Write what ``Session.out`` holds and wait until the peer has room for more."""
        ...

    async def ask(self) -> bytes:
        """Flush, then wait for the peer's next line; the line comes without its end."""
        ...

    async def rest(self, seconds: float) -> bytes | None:
        """Flush, then wait for a line, for ``wake`` or for ``seconds``; None without a line."""
        ...

    def wake(self) -> None:
        """End the ``rest`` that runs, or the next one at once."""
        ...

    async def pause(self, seconds: float) -> None:
        """Let time pass."""
        ...

    async def breathe(self) -> None:
        """Let other connections run, if this one had the loop for longer than its slice."""
        ...

    async def start_tls(self) -> None:
        """Flush and do the TLS handshake."""
        ...

    @property
    def compressed(self) -> bool:
        """Whether ``compress`` was called."""
        ...

    async def compress(self) -> None:
        """Flush in clear, then compress both directions (RFC 4978)."""
        ...

    def logged_in(self, *, appends: bool) -> None:
        """From now on the limits of a peer that has logged in hold; ``appends``: that of APPEND too."""
        ...


class Selected(msgspec.Struct, frozen=True):
    """An open mailbox and what the client knows of it."""

    name: str
    mailbox: Mailbox
    view: View
    read_only: bool


class Session:
    """The state that commands read and change; see the module's text."""

    def __init__(
        self,
        *,
        backend: Backend,
        settings: ImapSettings,
        metrics: Metrics,
        capabilities: Collection[bytes],
        tls_available: bool,
        peer: Peer,
        link: Link,
    ) -> None:
        self.backend = backend
        self.settings = settings
        self.metrics = metrics
        self.capabilities = capabilities
        self.tls_available = tls_available
        self.peer = peer
        self.link = link
        self.state = State.NOT_AUTHENTICATED
        self.out = Output()
        self.ended_by: Limit | None = None
        self.bad_commands = 0
        self.failed_logins = 0
        self.enabled: set[Extension] = set()
        self.style = PLAIN
        """How this client wants to hear of changes."""
        self.tag = b"*"
        """Of the command that runs."""
        self._account: Account | None = None
        self._selected: Selected | None = None

    # Answers

    def begin(self, tag: bytes) -> None:
        """A command with this tag starts."""
        self.tag = tag

    def untagged(self, *lines: bytes) -> None:
        """``*``, the line, CRLF, for each."""
        self.out.add(b"* " + b"\r\n* ".join(lines) + b"\r\n")

    def continuation(self, text: bytes = b"") -> None:
        """``+``, a space (without it AOSP loses its step), the text."""
        self.out.add(b"+ " + text + b"\r\n")

    def ok(self, text: str, *, code: str | None = None) -> None:
        """End the command well."""
        self._tagged("OK", text, code)

    def no(self, text: str, *, code: str | None = None) -> None:
        """End the command with a refusal."""
        self._tagged("NO", text, code)

    def bad(self, text: str) -> None:
        """End the command as not understood, or the connection when that happened too often."""
        self._tagged("BAD", text, None)
        self.strike()

    def strike(self) -> None:
        """Count a command that no well-meaning client sends twice."""
        self.bad_commands += 1
        if self.bad_commands >= self.settings.max_bad_commands:
            self.end(Limit.BAD_COMMANDS)

    def end(self, cause: Limit | str) -> None:
        """Say BYE; the connection closes when the command has returned."""
        self.ended_by = cause if isinstance(cause, Limit) else None
        text = cause.value if isinstance(cause, Limit) else cause
        self.untagged(b"BYE " + text.encode())
        self.state = State.ENDED

    def _tagged(self, status: str, text: str, code: str | None) -> None:
        bracketed = f"[{code}] " if code else ""
        self.out.add(self.tag + f" {status} {bracketed}{text}\r\n".encode())

    @property
    def ended(self) -> bool:
        """Whether BYE was said."""
        return self.state is State.ENDED

    # What is open

    @property
    def account(self) -> Account:
        """The account that is logged in; Bad before login."""
        if self._account is None:
            raise Bad("log in first")
        return self._account

    @property
    def user(self) -> str | None:
        """Who is logged in, for log lines."""
        return None if self._account is None else self._account.user

    @property
    def selected(self) -> Selected:
        """The mailbox that is selected; Bad when none is."""
        if self._selected is None:
            raise Bad("select a mailbox first")
        return self._selected

    def enter(self, account: Account) -> None:
        """The peer has logged in."""
        self._account = account
        self.state = State.AUTHENTICATED
        self.capabilities = (
            *self.capabilities,
            *abilities.offered(account, self.capabilities, max_append_bytes=self.settings.max_append_bytes),
        )
        self.link.logged_in(appends=abilities.takes_messages(account))

    def select(self, selected: Selected) -> None:
        """A mailbox is open from now on."""
        self._selected = selected
        self.state = State.SELECTED

    def unselect(self) -> None:
        """No mailbox is open any more; harmless when none was."""
        self._selected = None
        if self.state is State.SELECTED:
            self.state = State.AUTHENTICATED

    # What the client enabled

    def enable(self, extension: Extension) -> None:
        """Speak an extension from now on; a mailbox that is open tells where its MODSEQ stands.

        QRESYNC brings CONDSTORE along (RFC 7162 section 3.2.3).
        """
        added = {extension, Extension.CONDSTORE} if extension is Extension.QRESYNC else {extension}
        fresh = added - self.enabled
        self.enabled |= added
        self.style = Style(
            modseq=Extension.CONDSTORE in self.enabled, vanished=Extension.QRESYNC in self.enabled
        )
        if Extension.CONDSTORE in fresh and self._selected is not None:
            self.untagged(b"OK [HIGHESTMODSEQ %d] noted" % self._selected.view.highest_modseq)

    @property
    def rev2(self) -> bool:
        """Whether the client enabled IMAP4rev2."""
        return Extension.REV2 in self.enabled

    def mailbox_name(self, name: str) -> bytes:
        """A mailbox name as this client reads it."""
        return encoder.mailbox(name, utf8=self.rev2)

    # News of the mailbox

    async def refresh(self) -> View:
        """Bring the view up to what is committed; only new names of flags are told.  Raises Unavailable."""
        selected = self.selected
        view = selected.view
        view.adopt(await selected.mailbox.changes(view.highest_modseq))
        if not view.knows_all:
            self.out.extend(view.report_flags())
        return view

    def report(self, *, expunges: bool) -> None:
        """Tell the client what the view holds and it does not know; called last before a command ends.

        A client of QRESYNC comes back from the highest MODSEQ that it saw, unless a HIGHESTMODSEQ
        says less (RFC 7162 section 6).  It must, while a removal below that MODSEQ is still owed.
        """
        view = self.selected.view
        lines = view.report(expunges=expunges, style=self.style)
        if lines:
            self.out.extend(lines)
        if self.style.vanished and view.owes_removals:
            self.untagged(b"OK [HIGHESTMODSEQ %d] removals are still to be told" % view.settled_modseq)

    def expunged(self, text: str) -> None:
        """End a command that removed messages; all is told, so the MODSEQ reached may be said.

        RFC 7162 section 3.2.7 asks for it where the client speaks CONDSTORE.
        """
        self.report(expunges=True)
        modseq = self.selected.view.highest_modseq
        self.ok(text, code=f"HIGHESTMODSEQ {modseq}" if self.style.modseq else None)

    async def catch_up(self, *, expunges: bool) -> None:
        """Refresh, then report."""
        await self.refresh()
        self.report(expunges=expunges)

    async def relieve(self) -> None:
        """Write out what has gathered when it is much, and let others run when it is their turn.

        Called after every command and between the lines of long answers.
        """
        if self.out.size >= self.settings.write_buffer_bytes:
            await self.link.flush()
        await self.link.breathe()
