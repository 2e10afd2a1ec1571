# SPDX-License-Identifier: Apache-2.0
"""OMTP's own commands on the wire (OMTP 1.3 2.3-2.5).

Each is answered by one tagged line without a bracketed code and with nothing untagged before it:
AOSP takes the first line that comes for the answer, and compares it as a whole (spec/omtp-vvm.md 15.1).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

from imap_server.auth.admission import require_privacy
from imap_server.backend import NotAllowed, Unavailable
from imap_server.dispatch import Command, Run
from imap_server.errors import No
from imap_server.session import ANY, LOGGED_IN, Session, State
from imap_server.wire.lexer import Lexer
from vvm.domain.errors import Outage, UnknownSubscriber
from vvm.domain.subscriber import SubscriberId
from vvm.domain.visit import Act
from vvm.fronts.imap.account import FilingAccount, SubscriberAccount
from vvm.fronts.imap.settings import OmtpSettings
from vvm.omtp import commands as omtp
from vvm.services.languages import Languages
from vvm.services.pins import PinNotAccepted, Pins, UnfitPin, WrongPin
from vvm.services.provisioning import UnknownLanguage
from vvm.services.tutorial import Tutorial
from vvm.store.port import SubscriberStore

T = TypeVar("T")
_REST = re.compile(rb"[^\r\n]*")
_WRONG_PIN = {WrongPin.MISMATCH: omtp.OLD_PIN_MISMATCH, WrongPin.LOCKED: omtp.NOT_ALLOWED}


class ExtensionCommands:
    """The commands of one service, for ImapServer's ``extensions``."""

    def __init__(
        self,
        pins: Pins,
        languages: Languages,
        tutorial: Tutorial,
        subscribers: SubscriberStore,
        settings: OmtpSettings,
    ) -> None:
        self._pins = pins
        self._languages = languages
        self._tutorial = tutorial
        self._subscribers = subscribers
        self._settings = settings

    def table(self) -> tuple[Command, ...]:
        """Every command under both of its names: CVVM and VVM3 leave the X out."""
        pin = _prepare(omtp.parse_change_pin, self._change_pin)
        language = _prepare(omtp.parse_change_language, self._change_language)
        tutorial = _prepare(omtp.parse_close_tutorial, self._close_tutorial)
        pin_states = ANY if self._settings.pin_change_before_login else LOGGED_IN
        return tuple(
            Command(prefix + name, states, None, prepare)
            for prefix in (b"X", b"")
            for name, states, prepare in (
                (b"CHANGE_TUI_PWD", pin_states, pin),
                (b"CHANGE_VM_LANG", LOGGED_IN, language),
                (b"CLOSE_NUT", LOGGED_IN, tutorial),
            )
        )

    async def _change_pin(self, session: Session, command: omtp.ChangePin) -> str:
        if session.state is State.NOT_AUTHENTICATED:
            return await self._change_pin_before_login(session, command)
        if command.user is not None:  # the mailbox is that of who has logged in, whatever else is said
            raise No(omtp.INVALID_PARAMETER)
        text = await self._set_pin(_subscriber(session), command)
        _note(session, "pin")
        return text

    async def _change_pin_before_login(self, session: Session, command: omtp.ChangePin) -> str:
        """AT&T's form: it opens no mailbox.  Every one is held back like a refused login, so that a
        connection guesses slowly; Pins counts the tries of each subscriber over all connections.
        Nobody learns here who is served and who is blocked.
        """
        require_privacy(session)
        await session.link.pause(session.settings.failed_login_seconds)
        owner = None if command.user is None else await self._subscribers.by_imap_user(command.user)
        if owner is None or not owner.status.active:
            raise No(omtp.OLD_PIN_MISMATCH)
        return await self._set_pin(owner.id, command)

    async def _set_pin(self, subscriber: SubscriberId, command: omtp.ChangePin) -> str:
        try:
            await self._pins.change(subscriber, new=command.new, old=command.old)
        except PinNotAccepted as refused:
            raise No(_WRONG_PIN[refused.reason]) from None
        except UnfitPin as unfit:
            raise No(omtp.PIN_FAULTS[unfit.reason]) from None
        return omtp.PIN_CHANGED

    async def _change_language(self, session: Session, command: omtp.ChangeLanguage) -> str:
        try:
            await self._languages.choose(_subscriber(session), command.language)
        except UnknownLanguage:
            raise No(omtp.INVALID_LANGUAGE) from None
        _note(session, "language")
        return omtp.LANGUAGE_CHANGED

    async def _close_tutorial(self, session: Session, command: None) -> str:
        del command
        await self._tutorial.close(_subscriber(session))
        _note(session, "tutorial")
        return omtp.TUTORIAL_CLOSED


def _prepare(
    parse: Callable[[str], T], act: Callable[[Session, T], Awaitable[str]]
) -> Callable[[Lexer], Run]:
    """Everything behind the verb goes to ``parse``; what ``act`` answers is the text of the OK."""

    def prepare(line: Lexer) -> Run:
        rest = line.match(_REST)
        line.end()
        arguments = "" if rest is None else rest[0].decode("utf-8", "replace")

        async def run(session: Session) -> None:
            try:
                text = await act(session, parse(arguments))
            except omtp.InvalidParameter:
                raise No(omtp.INVALID_PARAMETER) from None
            except (Outage, UnknownSubscriber) as error:
                raise Unavailable(error.code) from error
            session.ok(text)

        return run

    return prepare


def _subscriber(session: Session) -> SubscriberId:
    """Whose session it is.  These commands go with ImapBackend and with no other one.

    Raises NotAllowed for a client whose profile has no such commands.
    """
    account = session.account
    if not isinstance(account, SubscriberAccount | FilingAccount) or not account.opened.profile.commands:
        raise NotAllowed
    return account.subscriber


def _note(session: Session, what: str) -> None:
    """For the timeline of who has logged in."""
    if isinstance(session.account, SubscriberAccount | FilingAccount):
        session.account.opened.note(Act.SET_UP, what)
