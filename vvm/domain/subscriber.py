# SPDX-License-Identifier: Apache-2.0
"""A subscriber, the client that was activated for it, and the rules of its provisioning status."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType

import msgspec

from vvm.domain.numbers import Msisdn
from vvm.domain.secrets import Secret

SubscriberId = NewType("SubscriberId", int)
MailboxId = NewType("MailboxId", int)
CosName = NewType("CosName", str)


class ProvisioningStatus(StrEnum):
    """OMTP 1.3 2.8; the values are those of ``st=`` in a STATUS SMS."""

    NEW = "N"
    READY = "R"
    PROVISIONED = "P"
    UNKNOWN = "U"
    BLOCKED = "B"

    @property
    def active(self) -> bool:
        """The client may log in, and is told of changes by SYNC."""
        return self in {ProvisioningStatus.NEW, ProvisioningStatus.READY}

    @property
    def served(self) -> bool:
        """The mailbox may be opened by whatever needs no activation by SMS."""
        return self not in {ProvisioningStatus.UNKNOWN, ProvisioningStatus.BLOCKED}


class Dialect(StrEnum):
    OMTP = "omtp"
    CVVM = "cvvm"
    VVM3 = "vvm3"
    APPLE = "apple"
    """Experimental: made from captures, never tried with a telephone."""


class SmsCoding(StrEnum):
    """How the text of an SMS travels: 8-bit data, the GSM 7-bit alphabet, or UCS-2."""

    OCTETS = "8bit"
    GSM7 = "gsm7"
    UCS2 = "ucs2"


class Manners(StrEnum):
    """Which kind of IMAP client it is; what each may do is a table of vvm.fronts.imap.profiles."""

    LEARNED = "learned"
    """What imap.omtp.manners says of its ct=, or else its dialect."""
    STRICT = "strict"
    """Nothing but what OMTP allows."""
    ANDROID = "android"
    VVMD = "vvmd"
    APPLE = "apple"
    ATT = "att"
    MAIL = "mail"
    """A plain mail client."""
    ASTERISK = "asterisk"
    """Asterisk 16 with IMAP storage."""


class ClientProfile(msgspec.Struct, frozen=True):
    """What is known of the subscriber's client: configured, then learned from its SMS."""

    dialect: Dialect = Dialect.OMTP
    """Which family of texts it speaks."""
    protocol_version: int = 11
    """pv= of its SMS: ten times the version of OMTP, 10 to 99."""
    client_type: str = ""
    """ct= of its SMS: what it calls itself, at most 30 characters."""
    port: int = 5499
    """Application port of server SMS; 0 sends without a port."""
    prefix: str = "//VVM"
    """What stands before every server SMS."""
    coding: SmsCoding = SmsCoding.OCTETS
    """How server SMS travel: 8-bit data, or GSM 7-bit for clients that read no data SMS (vvmd)."""
    source: str = ""
    """The short code that server SMS come from; "" takes vvm.service_number."""
    carrier: str = ""
    """The carrier profile that it started from (conf/carriers); "" for none."""
    manners: Manners = Manners.LEARNED
    """What it may do over IMAP (docs/imap.md)."""
    number: str = ""
    """The alias that activated it, which then hears of the mailbox; "" for the subscriber's own number."""


class Credentials(msgspec.Struct, frozen=True):
    """The IMAP account that STATUS carries.  The password is machine-made."""

    user: str
    password: Secret


class Fallback(StrEnum):
    """What a subscriber gets in place of SYNC while no client of it is active."""

    NONE = "none"
    MWI = "mwi"
    """A message waiting indication, with the count."""
    TEXT = "text"
    """A plain SMS in the subscriber's language."""


class Closing(msgspec.Struct, frozen=True):
    """A subscriber that was closed: its status is UNKNOWN, and it can be opened again as it was."""

    at: datetime
    """When it goes, with everything that it has."""
    before: ProvisioningStatus
    """The status that it had."""


class Subscriber(msgspec.Struct, frozen=True):
    id: SubscriberId
    mailbox: MailboxId
    msisdn: Msisdn
    status: ProvisioningStatus
    client: ClientProfile
    language: str
    setup_done: bool
    """The new-user tutorial is closed: activation leads to READY and not to NEW."""
    max_messages: int
    imap_user: str
    password_check: bytes
    """Keyed hash of the IMAP password, 32 octets (services.credentials)."""
    password_sealed: bytes
    """The IMAP password, encrypted, because STATUS must be able to repeat it."""
    created_at: datetime
    changed_at: datetime
    pin_check: str | None = None
    """Argon2id of the PIN of the telephone menus (services.pin_hash); None: no PIN was ever set."""
    previous_check: bytes | None = None
    """Of the password that was replaced, which still opens the mailbox until ``previous_until``."""
    previous_until: datetime | None = None
    unanswered_syncs: int = 0
    """How many SYNC were sent since its client last logged in."""
    fallback: Fallback = Fallback.NONE
    cos: CosName = CosName("")
    """Its class of service; "" for none."""
    held: bool = False
    """A legal hold lies on it: nothing of its mailbox is lost, nor is it removed."""
    closing: Closing | None = None

    @property
    def handset(self) -> Msisdn:
        """The number that hears of the mailbox by SMS."""
        return Msisdn(self.client.number or self.msisdn)
