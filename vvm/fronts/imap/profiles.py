# SPDX-License-Identifier: Apache-2.0
"""Which client may do what over IMAP: one row for each kind, and how the row is chosen.

A client is what its SMS, its operator or its login said that it is, and never what it behaves like.
Nothing said is strict.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec
import structlog

from vvm.domain.message import GREETINGS, Flags
from vvm.domain.subscriber import ClientProfile, Dialect, Manners
from vvm.fronts.imap.settings import OmtpSettings
from vvm.fronts.imap.vocabulary import Vocabulary
from vvm.services.login import Admitted

log = structlog.get_logger(__name__)

_OMTP = Flags.SEEN | Flags.DELETED
_MAIL = _OMTP | Flags.ANSWERED | Flags.FLAGGED | Flags.DRAFT


class Appends(Enum):
    """What APPEND puts into a folder that is not Greetings."""

    NOTHING = "nothing"
    MAIL = "mail"
    """The message as it is."""
    DEPOSITS = "deposits"
    """Into INBOX, a voice message that its sender goes on seeing as it wrote it; elsewhere, mail."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    files: bool = False
    """It arranges folders, copies and moves; other clients see INBOX and Greetings only."""
    flags: Flags = _OMTP
    """What it may set on a message; in Greetings one can be switched on as well."""
    keywords: frozenset[str] = frozenset()
    """Flags that are no bits of ours and that it may set."""
    any_keyword: bool = False
    """It may invent others."""
    lenient: bool = False
    """A flag that it may not set is ignored instead of refused."""
    appends: Appends = Appends.NOTHING
    greetings_status: bool = False
    """STATUS tells it about Greetings too (OMTP 1.3 2.1.1 refuses that)."""
    annotates: bool = False
    """It keeps annotations (RFC 5464)."""
    greets_by_annotation: bool = False
    """Some of them are its greetings (vvm.fronts.imap.att)."""
    commands: bool = True
    """It has OMTP's own commands."""
    provided: Mapping[str, str] = {}
    """Folders that it finds at its first login, and what they are for (RFC 6154)."""

    def vocabulary(self, folder: str) -> Vocabulary:
        """The flags of one folder."""
        settable = self.flags | Flags.GREETING_ON if folder == GREETINGS else self.flags
        return Vocabulary(settable, self.lenient, self.keywords, self.any_keyword)


PROFILES: Mapping[Manners, Profile] = {
    Manners.STRICT: Profile(),
    Manners.ANDROID: Profile(lenient=True),
    Manners.VVMD: Profile(lenient=True),
    Manners.APPLE: Profile(
        files=True, lenient=True, greetings_status=True, annotates=True, provided={"Trash": "\\Trash"}
    ),
    Manners.ATT: Profile(
        lenient=True, keywords=frozenset({"TUISkipped"}), annotates=True, greets_by_annotation=True
    ),
    Manners.MAIL: Profile(
        files=True,
        flags=_MAIL,
        any_keyword=True,
        appends=Appends.MAIL,
        greetings_status=True,
        annotates=True,
        commands=False,
    ),
    Manners.ASTERISK: Profile(
        files=True,
        flags=_MAIL,
        any_keyword=True,
        appends=Appends.DEPOSITS,
        greetings_status=True,
        commands=False,
    ),
}

SPECIAL_USE: Mapping[str, str] = {
    "archive": "\\Archive",
    "deleted": "\\Trash",
    "drafts": "\\Drafts",
    "junk": "\\Junk",
    "sent": "\\Sent",
    "trash": "\\Trash",
}
"""What a folder is for that a client makes under one of these names."""


def profile_of(admitted: Admitted, settings: OmtpSettings) -> Profile:
    """Of a device, what was said when it got its login; else of the client that STATUS activated."""
    client = admitted.subscriber.client
    said = _of_device(admitted)
    profile = PROFILES[manners_of(client, settings) if said is Manners.LEARNED else said]
    return msgspec.structs.replace(profile, lenient=True) if settings.lenient(client) else profile


def manners_of(client: ClientProfile, settings: OmtpSettings) -> Manners:
    """What the operator said of this subscriber, of such a ct=, and last what the dialect tells."""
    fitting = [start for start in settings.manners if client.client_type.startswith(start)]
    of_type = settings.manners[max(fitting, key=len)] if fitting else Manners.LEARNED
    for said in (client.manners, of_type):
        if said is not Manners.LEARNED:
            return said
    return Manners.APPLE if client.dialect is Dialect.APPLE else Manners.STRICT


def _of_device(admitted: Admitted) -> Manners:
    if admitted.device is None or not admitted.device.profile:
        return Manners.LEARNED
    try:
        return Manners(admitted.device.profile)
    except ValueError:
        log.warning("device_profile_unknown", device=admitted.device.id, profile=admitted.device.profile)
        return Manners.STRICT
