# SPDX-License-Identifier: Apache-2.0
"""Gives imap_server its backend: who logs in, and which account that opens.

Translates words and errors, and decides nothing: a login is checked by services.login, a change is
made by services.retrieval, services.filing and services.greetings, a read goes straight to the store.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from imap_server.backend import Denied, Peer, Unavailable
from vvm.domain.errors import Outage
from vvm.domain.subscriber import Manners
from vvm.fronts.imap.account import FilingAccount, SubscriberAccount
from vvm.fronts.imap.opened import MailServices, Opened, told
from vvm.fronts.imap.profiles import PROFILES, profile_of
from vvm.fronts.imap.settings import OmtpSettings
from vvm.services.login import Admitted, Login, LoginRefusal, LoginRefused
from vvm.services.master import MasterLogin

T = TypeVar("T")

_TEXTS = {
    LoginRefusal.UNKNOWN_USER: "unknown user",
    LoginRefusal.INVALID_PASSWORD: "invalid password",
    LoginRefusal.NOT_PROVISIONED: "service is not provisioned",
    LoginRefusal.NOT_ACTIVATED: "service is not activated",
    LoginRefusal.BLOCKED: "user is blocked",
}
"""What the client compares, to the letter (OMTP; spec/omtp-vvm.md 9.5)."""

Account = SubscriberAccount | FilingAccount


class ImapBackend:
    """imap_server.backend.Backend, with KnowsPasswords and ActsForOthers for its SASL mechanisms."""

    def __init__(self, login: Login, master: MasterLogin, services: MailServices, omtp: OmtpSettings) -> None:
        self._login = login
        self._master = master
        self._services = services
        self._omtp = omtp

    async def login(self, user: str, password: str, peer: Peer) -> Account:
        del peer
        return await self._account(await _told(self._login(user, password)))

    async def login_as(self, identity: str, user: str, password: str, peer: Peer) -> Account:
        """Who may is Asterisk, whatever client the subscriber has."""
        owner = await _told(self._master(identity, user, password, address=peer.address))
        admitted = Admitted(owner, by_master=True)
        return FilingAccount(Opened(admitted, PROFILES[Manners.ASTERISK], self._services))

    async def password(self, user: str, peer: Peer) -> str:
        del peer
        return (await _told(self._login.password(user))).reveal()

    async def proven(self, user: str, peer: Peer) -> Account:
        del peer
        return await self._account(await _told(self._login.proven(user)))

    async def _account(self, admitted: Admitted) -> Account:
        profile = profile_of(admitted, self._omtp)
        opened = Opened(admitted, profile, self._services)
        for name, use in profile.provided.items():
            await told(self._services.filing.provide(opened.mailbox, name, special_use=use))
        return FilingAccount(opened) if profile.files else SubscriberAccount(opened)


async def _told(answer: Awaitable[T]) -> T:
    """The answer of a login, its errors in the words of IMAP."""
    try:
        return await answer
    except LoginRefused as refused:
        raise Denied(_TEXTS[refused.reason]) from None
    except Outage as outage:
        raise Unavailable(outage.code) from outage
