# SPDX-License-Identifier: Apache-2.0
"""One SMSC as an operator configures it: a ``[[sms.smsc]]`` table of the configuration."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

import msgspec

from sms_gateway.intake import IntakeLimits
from sms_gateway.port import Coding
from sms_gateway.receipts import IdForm
from sms_gateway.smpp.session import Limits
from sms_gateway.smpp.status import Action


class HandsetNumbers(StrEnum):
    BY_TON = "by_ton"
    INTERNATIONAL = "international"


class TlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ca: str = ""
    """File of the authorities that may sign the SMSC's certificate; empty takes the system's."""
    server_name: str = ""
    """Name that the certificate must carry; empty takes ``host``."""
    certificate: str = ""
    """Our own certificate, where the SMSC asks for one."""
    key: str = ""
    """The key of our own certificate."""


class HeaderForm(StrEnum):
    """Where ports and segment numbers stand.  Never in two places at once."""

    UDH = "udh"
    """In the user data header, references in 8 bits."""
    UDH16 = "udh16"
    """In the user data header, references up to 16 bits."""
    TLV = "tlv"
    """In TLVs; the SMSC makes the header (SMPP 3.4 sections 5.3.2.20 to 5.3.2.24)."""
    PAYLOAD = "payload"
    """Ports in TLVs; what is too long for one SMS in message_payload, and the SMSC cuts it."""


class BindMode(StrEnum):
    """How an SMSC lets us send and receive (SMPP 3.4 section 4.1)."""

    TRANSCEIVER = "transceiver"
    PAIR = "pair"
    """A transmitter and a receiver, for SMSCs without bind_transceiver."""


class SmscSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Names and defaults of SMPP 3.4 sections 4.1, 4.4 and 7.2.  Durations end in ``_seconds``."""

    name: str = "main"
    """Names the SMSC in logs, metrics and receipts."""
    host: str = "127.0.0.1"
    """Where the SMSC listens."""
    port: int = 2775
    """Its TCP port; with TLS usually 3550."""
    system_id: str = "vvm"
    """Our name at the SMSC."""
    password: str = ""
    """Our password at the SMSC."""
    system_type: str = ""
    """Only where the SMSC asks for one."""
    tls: TlsSettings | None = None
    """TLS from the first octet; absent means plain TCP."""
    bind_mode: BindMode = BindMode.TRANSCEIVER
    """One bind for both directions, or a pair of binds."""
    binds: int = 1
    """How many of them at a time, as contracted."""
    weight: int = 1
    """Part of the SMS that it gets, against the other SMSCs; 0 only while no other one takes any."""
    carriers: tuple[str, ...] = ()
    """The carrier profiles whose subscribers' SMS it takes; none: everybody's."""

    window: int = 10
    """Submits in flight in each bind; carriers contract 1 to 50."""
    rate: float = 50.0
    """Submits a second, as contracted: in all binds together, and of all nodes together."""
    slowest_rate: float = 1.0
    """Submits a second that throttling by the SMSC never goes below."""
    throttle_pause_seconds: float = 2.0
    """Silence after the SMSC said that we are too fast."""

    source_ton: int = 3
    """Type of number of the service number (section 5.2.5): 3 network specific, 1 international."""
    source_npi: int = 0
    """Numbering plan of the service number (section 5.2.6): 0 unknown, 1 E.164."""
    destination_ton: int = 1
    """Type of number of the handset."""
    destination_npi: int = 1
    """Numbering plan of the handset."""
    service_type: str = ""
    """Empty, or what the carrier assigned (section 5.2.11)."""
    esm_mode: int = 0
    """Messaging mode, bits 1-0 of esm_class (section 5.2.12): 0 default, 1 datagram, 2 transaction,
    3 store and forward."""
    protocol_id: int = 0
    """TP-PID (section 5.2.13)."""
    registered_delivery: int = 1
    """1 asks for final receipts, 2 for failures only, 0 for none (section 5.2.17)."""
    header_form: HeaderForm = HeaderForm.UDH
    """Where ports and segment numbers stand: in the user data header, in TLVs, or the SMSC cuts."""
    gsm7_unsafe: Coding = Coding.GSM7
    """Coding in place of gsm7 for texts with `@`, `_`, `$` or others that some SMSC's table garbles."""
    data_coding_octets: int = 0x04
    """data_coding of 8-bit SMS: 0x04, or 0xF5 (class 1) where the carrier wants a class."""

    response_id_form: IdForm = IdForm.TEXT
    """How submit_sm_resp writes message ids."""
    receipt_id_form: IdForm = IdForm.TEXT
    """How receipts write them."""
    status_actions_of: str = ""
    """The carrier profile whose `status_actions` count for this SMSC; empty: none's."""
    status_actions: dict[str, Action] = msgspec.field(default_factory=dict)
    """What this SMSC means by a command_status, where it differs: ``{"0x40B" = "refuse"}``; goes before
    what that profile says."""

    connect_seconds: float = 10.0
    """For TCP and TLS to stand."""
    bind_seconds: float = 10.0
    """For the answer to the bind (session_init_timer)."""
    response_seconds: float = 30.0
    """For the answer to a submit; then its outcome is unknown (response_timer)."""
    enquire_seconds: float = 30.0
    """Silence of the SMSC after which enquire_link goes out."""
    enquire_response_seconds: float = 10.0
    """For the answer to enquire_link; then the link is dropped."""
    unbind_seconds: float = 2.0
    """For the answer to our unbind, and for what is in flight when the SMSC unbinds."""
    drain_seconds: float = 5.0
    """For what is in flight when the gateway is told to stop."""

    reconnect_first_seconds: float = 1.0
    """Longest wait before the first attempt to bind again; doubles with each failure."""
    reconnect_last_seconds: float = 60.0
    """Where the doubling ends."""
    reconnect_calm_seconds: float = 60.0
    """A bind that stood for so long starts the doubling anew."""
    locked_out_first_seconds: float = 60.0
    """Wait after a refused password; doubles, because trying often locks accounts."""
    locked_out_last_seconds: float = 900.0
    """Where that doubling ends."""

    retry_first_seconds: float = 10.0
    """Wait after a temporary failure; doubles with each attempt."""
    retry_last_seconds: float = 600.0
    """Where that doubling ends."""
    hold_first_seconds: float = 30.0
    """Wait when a recipient's queue is full; doubles with each attempt."""
    hold_last_seconds: float = 600.0
    """Where that doubling ends."""
    unknown_seconds: float = 5.0
    """Wait when nobody knows whether the SMSC took the SMS."""

    circuit_failures: int = 20
    """After so many temporary failures in a row nothing more is sent for a while."""
    circuit_first_seconds: float = 5.0
    """That while; doubles each time that one SMS on trial fails too."""
    circuit_last_seconds: float = 300.0
    """Where that doubling ends."""

    idle_seconds: float = 5.0
    """How often the outbox is asked without a hint."""
    hold_limit_seconds: float = 10.0
    """Never lease more than ``rate`` sends in so long."""

    handset_numbers: HandsetNumbers = HandsetNumbers.BY_TON
    """How the numbers of handsets come in: by_ton where their type of number says what they are;
    international where the SMSC sends whole international numbers under another type (osmo-msc: 3)."""
    early_receipt_seconds: float = 0.2
    """How long a receipt waits for the submit_sm_resp that it has overtaken; then it comes again."""
    inbox_seconds: float = 4.0
    """For the inbox to keep an SMS; SMSCs wait about five for its acknowledgement."""
    inbound_queue: int = 100
    """SMS from handsets that may wait for the inbox; more are sent back for later."""
    inbound_workers: int = 8
    """SMS from handsets that the inbox is given at a time."""
    partial_limit: int = 1000
    """Unfinished concatenated SMS that are kept."""
    partial_each: int = 5
    """Unfinished concatenated SMS of one handset that are kept."""
    partial_segments: int = 10
    """Segments of an unfinished SMS; one that announces more is no request of a client."""
    partial_seconds: float = 3600.0
    """For how long unfinished SMS are kept."""
    max_pdu_bytes: int = 70_000
    """A longer PDU costs the link; message_payload alone may have 65535."""

    def __repr__(self) -> str:
        # Without the password, wherever a traceback may show it.
        return f"SmscSettings(name={self.name!r}, host={self.host!r}, port={self.port})"

    @property
    def limits(self) -> Limits:
        """What the session needs of this."""
        return Limits(
            response_seconds=self.response_seconds,
            enquire_seconds=self.enquire_seconds,
            enquire_response_seconds=self.enquire_response_seconds,
            unbind_seconds=self.unbind_seconds,
            max_pdu_bytes=self.max_pdu_bytes,
        )

    @property
    def intake(self) -> IntakeLimits:
        """What SMS from handsets may take."""
        return IntakeLimits(
            inbox_seconds=self.inbox_seconds,
            partial_limit=self.partial_limit,
            partial_each=self.partial_each,
            partial_segments=self.partial_segments,
            partial_seconds=self.partial_seconds,
        )

    @property
    def longest_hold(self) -> timedelta:
        """How long a leased SMS of three segments may be in our hands, each of which waits for its turn
        in the window and for its answer; a lease lasts longer."""
        return timedelta(
            seconds=self.hold_limit_seconds + self.throttle_pause_seconds + 6 * self.response_seconds
        )

    def overrides(self) -> dict[int, Action]:
        """``status_actions`` by number.  Raises ValueError for a key that is none."""
        return {int(status, 0): action for status, action in self.status_actions.items()}
