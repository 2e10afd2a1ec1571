# SPDX-License-Identifier: Apache-2.0
"""What a SASL mechanism sees of its session: challenges and responses, decoded, and the backend.

Nothing here knows base64, tags or sockets.  The two Protocols are what some mechanisms need of a
backend beyond ``imap_server.backend.Backend``; a backend that does not have them is not shown
those mechanisms.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

from imap_server.backend import Account, Backend, Peer
from imap_server.errors import Bad, No

Ask = Callable[[bytes], Awaitable[bytes]]
"""Send a challenge, wait for the response.  Raises Bad when the client gives up."""


@runtime_checkable
class KnowsPasswords(Protocol):
    """A backend that can tell a password, for mechanisms that prove it without sending it."""

    async def password(self, user: str, peer: Peer) -> str:
        """The password in clear.  Raises Denied for an unknown user, Unavailable."""
        ...

    async def proven(self, user: str, peer: Peer) -> Account:
        """Open the account of a user who has just proven the password.  Raises Denied, Unavailable."""
        ...


@runtime_checkable
class ActsForOthers(Protocol):
    """A backend with users who may open the accounts of others (RFC 4616 section 2)."""

    async def login_as(self, identity: str, user: str, password: str, peer: Peer) -> Account:
        """Check ``user`` and ``password``, then open the account of ``identity``.

        Whether ``user`` may act for ``identity`` is the backend's decision.  Raises Denied, Unavailable.
        """
        ...


class Conversation:
    """One AUTHENTICATE.  ``user`` is who the client claims to be, once it has said so: for the log."""

    def __init__(
        self,
        ask: Ask,
        initial: bytes | None,
        *,
        backend: Backend,
        peer: Peer,
        realm: str,
        binds: bool = False,
    ) -> None:
        """``initial`` is what the client sent along with the command (RFC 4959), or None.

        ``binds``: this peer is offered a mechanism with channel binding.
        """
        self.ask = ask
        self.initial = initial
        self.backend = backend
        self.peer = peer
        self.realm = realm
        self.binds = binds
        self.user = ""

    async def first(self, challenge: bytes = b"") -> bytes:
        """The client's first message, asked for with ``challenge`` unless it came with the command."""
        return await self.ask(challenge) if self.initial is None else self.initial

    async def answer(self, challenge: bytes) -> bytes:
        """The client's answer, where the server speaks first.

        Raises Bad where something came with the command (RFC 4959 section 3).
        """
        if self.initial is not None:
            raise Bad("this mechanism begins with a challenge")
        return await self.ask(challenge)

    async def password(self, user: str) -> str:
        """The password of who the client claims to be.  Raises Denied, Unavailable."""
        self.user = user
        return await self._passwords().password(user, self.peer)

    async def proven(self) -> Account:
        """Open the account of ``user``.  Raises Denied, Unavailable."""
        return await self._passwords().proven(self.user, self.peer)

    def _passwords(self) -> KnowsPasswords:
        if not isinstance(self.backend, KnowsPasswords):
            raise No("mechanism not supported")
        return self.backend


Mechanism = Callable[[Conversation], Awaitable[Account]]
"""Holds the conversation and opens the account.

Raises Denied when the proof fails, Bad when the client breaks the mechanism's grammar, No when it
asks for what is not offered, Unavailable.
"""


def only_itself(identity: str, user: str) -> None:
    """Raises No where a mechanism's authorization identity names somebody else."""
    if identity not in {"", user}:
        raise No("authorization identity refused", code="AUTHORIZATIONFAILED")


def text(value: bytes) -> str:
    """Names and passwords on the wire; raises Bad."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Bad("credentials are not UTF-8") from error
