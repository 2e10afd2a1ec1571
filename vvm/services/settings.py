# SPDX-License-Identifier: Apache-2.0
"""What an operator decides about the service itself."""

from __future__ import annotations

import msgspec

from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ClientProfile, Fallback


class ServiceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The facts that STATUS tells a client, and what a new subscriber starts with."""

    domain: str = "vvm.example.net"
    """Right side of IMAP user names and of From; has a dot, or AOSP shows no number."""
    imap_host: str = "vvm.example.net"
    """srv= of STATUS: a bare host, the name in the certificate."""
    imap_port: int = 0
    """ipt= of STATUS: the STARTTLS port as a handset sees it; 0 takes that of the first imap.listen."""
    service_number: str = "5511"
    """The short code that handsets write to and hear from."""
    tui_number: str = ""
    """tui= of STATUS and {number} of texts: the number to call for the telephone menus. Empty: STATUS leaves
    it out, our own texts tell nobody to call, and {number} of yours is service_number."""
    languages: tuple[str, ...] = ("eng",)
    """lang= of STATUS."""
    greeting_seconds: int = 60
    """g_len= of STATUS: the longest greeting."""
    signature_seconds: int = 10
    """vs_len= of STATUS: the longest voice signature."""
    pin_min_digits: int = 4
    """pw_len= of STATUS, its first half."""
    pin_max_digits: int = 9
    """pw_len= of STATUS, its second half."""
    max_messages: int = 100
    """How many messages an INBOX holds, unless the subscriber has a limit of its own."""
    client: ClientProfile = ClientProfile()
    """What is assumed of a client until its SMS says more."""
    password_grace_hours: int = 72
    """How long a replaced IMAP password still works; the STATUS with the new one may be late."""
    fallback: Fallback = Fallback.NONE
    """What a new subscriber gets in place of SYNC while no client of it is active."""
    most_aliases: int = 5
    """How many further numbers a mailbox may have."""
    close_grace_days: int = 30
    """How long a subscriber that was closed can be opened again, before everything of it is deleted."""
    quarantine_days: int = 0
    """How long the number that a subscriber left by a change of number is nobody's, and still leads deposits
    to it. 0: it is free at once."""
    carriers: str = ""
    """Directory of carrier profiles (conf/carriers); "" uses none."""
    carrier: str = ""
    """The profile of new subscribers, by name, in place of vvm.client; "" for none."""

    def imap_user(self, msisdn: Msisdn) -> str:
        """The name of the login that STATUS tells."""
        return f"{msisdn.removeprefix('+')}@{self.domain}"


class PinSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    refuse_repeats: bool = True
    """Refuse a new PIN such as 0000."""
    refuse_runs: bool = True
    """Refuse a new PIN such as 1234 or 9876."""
    refuse_own_digits: bool = True
    """Refuse a new PIN whose digits stand so in the subscriber's own number."""
    made_digits: int = 6
    """How many digits a PIN has that the service makes, within what the class of service allows."""
    texts: dict[str, str] = {}
    """The SMS with such a PIN by language; {pin} and {number} are filled in. English without any."""
    max_tries: int = 5
    """Wrong PINs in a row, after which none is compared for a while."""
    lockout_minutes: int = 15
    """How long that while is; an operator ends it by a new PIN."""
    threads: int = 2
    """PINs that are hashed or compared at a time."""
    memory_kib: int = 19_456
    """What each of them costs in memory (Argon2id)."""
    passes: int = 2
    """How often that memory is gone over."""


class DeviceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    most: int = 10
    """How many devices with credentials of their own a subscriber may have."""
    code_minutes: int = 10
    """How long a one-time code that an SMS told is good."""
    code_tries: int = 5
    """Wrong codes, after which only a new code helps."""
    codes_per_hour: int = 5
    """How many codes a number is sent."""
    texts: dict[str, str] = {}
    """The SMS with a code by language; {code} is filled in. English without any."""


class SelfServiceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What clients reach over HTTP, on a listener of its own (docs/self-service.md)."""

    listen: str = ""
    """Address and port; "" listens nowhere."""
    certificate: str = ""
    """PEM file with a certificate and its chain: listen speaks TLS; "" leaves that to a proxy."""
    key: str = ""
    """PEM file with its private key; both are looked at for a renewal twice a minute."""
    url: str = ""
    """How clients reach that listener, for example "https://vvm.example.net"; needed with listen."""
    country_code: str = "1"
    """What VVM3 clients leave out before their number."""
    invitation_minutes: int = 60
    """How long after a STATUS that said "unknown" its handset may subscribe by itself (VVM3)."""
    session_minutes: int = 10
    """How long each address of that subscription is good."""
    requests_per_hour: int = 10
    """How often a number may begin anew."""


class FolderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Folders that a mail client makes in a mailbox, beside INBOX and Greetings."""

    most: int = 50
    """How many of them a mailbox has, and to how many it is subscribed."""
    name_length: int = 200
    """The longest name, with those above it, in characters."""
    annotations: int = 100
    """How many annotations (RFC 5464) a mailbox has with all its folders."""
    annotation_bytes: int = 4_096
    """The longest value of one."""


class MasterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one name that opens every mailbox, for Asterisk 16 with IMAP storage (docs/imap.md)."""

    user: str = ""
    """Its name; "" is nobody, and then no login opens somebody else's mailbox."""
    password: str = ""
    """Its password."""
    networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """From where it may log in."""

    def __repr__(self) -> str:
        # Without the password, wherever a traceback may show it.
        return f"MasterSettings(user={self.user!r}, networks={self.networks!r})"


class DepositSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    max_bytes: int = 20_000_000
    """The largest audio that is taken, in octets as it arrives."""
    min_milliseconds: int = 1000
    """A shorter recording is not a message."""
    max_seconds: int = 600
    """A longer recording is refused."""
    silence_dbfs: float = -55.0
    """A recording whose peak stays below this is silence and not a message."""
    transcoders: int = 2
    """Processes that transcode audio."""


class NotificationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sync_hours: int = 24
    """How long a SYNC is owed, and kept by the SMSC."""
    status_minutes: int = 60
    """How long a STATUS is owed, and kept by the SMSC."""
    lease_seconds: int = 240
    """How long a row is in one worker's hands; longer than any SMSC may hold an SMS."""
    max_attempts: int = 20
    """Counted attempts before a notification is a dead letter."""
    debounce_seconds: float = 1.0
    """The least time between two SYNC to one phone; what happens meanwhile is told as one. 0: none."""
    status_spacing_seconds: float = 5.0
    """The least time between two answers to one phone; a storm of requests gets one each time. 0: none."""
    receipt_gate: tuple[str, ...] = ()
    """Names of SMSCs that report on every SMS: the next SYNC to a phone waits for the report on the last."""
    receipt_gate_minutes: int = 120
    """After so long without that report the next SYNC goes anyway; less than sync_hours."""
    retell_hours: float = 6.0
    """So long after a report that a SYNC did not reach its phone it gets an MBU; not where another SYNC
    was owed since. 0: never."""
    retell_times: int = 4
    """After so many reports of that kind in a row the phone is told at its next sign of life only."""
    suspend_after_syncs: int = 10
    """After so many SYNC without a login a client is taken to be gone and its fallback goes out. 0: never."""
    texts: dict[str, str] = {}
    """The plain SMS of the fallback by language; {count} and {number} are filled in. English without any."""
    nearly_full_texts: dict[str, str] = {}
    """The SMS of a mailbox that is nearly full, by language; {percent} and {number} are filled in."""
    expiry_texts: dict[str, str] = {}
    """The SMS of messages that expire soon, by language; {days}, {notice} and {number} are filled in."""
    keep_days: int = 30
    """How long sent notifications and handsets' SMS are kept for operators to see."""


class RetentionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the store remembers what nobody owes to anybody."""

    journal_days: int = 30
    """How long changes of a mailbox are kept; a client away for longer is told of every UID that is gone."""
    deposit_key_days: int = 90
    """How long the same deposit is known again; one that is retried later makes a second message."""
    audit_days: int = 1096
    """How long transitions of subscribers are kept; 0: for ever."""


class WebhookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How events reach an operator's systems."""

    keep_days: int = 7
    """How long events are kept, for the feed and for replays."""
    most: int = 20
    """How many webhooks there may be."""
    allow_http: bool = False
    """Take http:// too; events hold telephone numbers, so only within one machine or a trusted network."""
    page: int = 200
    """Events in one turn with a webhook."""
    parallel: int = 16
    """Requests to one webhook at a time; those of one subscriber always follow each other."""
    post_seconds: float = 10.0
    """How long an endpoint may take to answer."""
    lease_seconds: int = 120
    """How long a webhook is in one worker's hands; at least four times post_seconds."""
    max_attempts: int = 12
    """Tries of one event, over about an hour, before it is a dead letter."""
    workers: int = 4
    """Webhooks that are served at a time."""


class RedeliverySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how long the same SMS from a handset counts as one delivery of the first."""

    seconds: float = 10.0
    """Where nothing tells a redelivery from a handset that asks again, and it sent nothing between.
    Short: who asks again must be answered, while a redelivery that slips through costs a second STATUS."""
    named_seconds: float = 3600.0
    """Where the SMSC passes the handset's reference (user_message_reference, or that of a concatenation),
    or a Kannel its `id=%I`: then a late copy of Activate that follows a Deactivate activates nothing."""
