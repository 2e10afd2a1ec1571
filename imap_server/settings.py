# SPDX-License-Identifier: Apache-2.0
"""Every limit, timeout and choice of the server in one place, so that an operator can see them all."""

from __future__ import annotations

from typing import Literal

import msgspec

SaslMechanism = Literal["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "DIGEST-MD5", "CRAM-MD5"]


class ImapSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of ``ImapServer``; the defaults serve a carrier behind a load balancer."""

    require_tls: bool = True
    """Refuse LOGIN and AUTHENTICATE in clear text, and advertise LOGINDISABLED there."""

    sasl_mechanisms: tuple[SaslMechanism, ...] = ("PLAIN", "LOGIN", "SCRAM-SHA-256")
    """What AUTHENTICATE takes.  Android's client prefers DIGEST-MD5 to all others once it is here.

    SCRAM-SHA-256-PLUS binds by tls-server-end-point alone; a client that knows only other bindings and
    prefers the name does not get in.
    """

    sasl_realm: str = ""
    """The host name in the challenges of DIGEST-MD5 and CRAM-MD5; without blanks or quotes."""

    server_id: tuple[tuple[str, str], ...] = ()
    """Names and values that ID answers (RFC 2971), for example ``("name", "vvm")``; empty answers NIL."""

    max_connections: int = 20_000
    """Connections of this process; one more hears BYE, or is closed before TLS where TLS comes first."""

    max_connections_per_address: int = 1_000
    """Connections from one address; high, because thousands of handsets share a carrier's NAT."""

    max_line_bytes_before_login: int = 8_192
    """One line of a peer that has not logged in."""

    max_command_bytes_before_login: int = 8_192
    """One command with its literals of a peer that has not logged in."""

    max_line_bytes: int = 65_536
    """One line; AOSP lists each UID in a STORE, so this bounds how many it can mark at once."""

    max_command_bytes: int = 131_072
    """One command with its literals."""

    max_append_bytes: int = 2_097_152
    """One APPEND with its messages, for accounts that take messages; what APPENDLIMIT says (RFC 7889)."""

    literal_plus: bool = False
    """Say LITERAL+ instead of LITERAL- (RFC 7888): clients then send a message of any size without
    waiting, and one that is too big costs the connection instead of the command."""

    max_read_ahead_bytes: int = 65_536
    """What is taken from a peer that sends commands while one still runs; then it has to wait."""

    slice_seconds: float = 0.005
    """How long one connection may keep the process before others have their turn."""

    max_search_depth: int = 20
    """How deep NOT, OR and parentheses of a SEARCH may nest."""

    max_bad_commands: int = 10
    """Commands answered BAD, or of an unknown name, before the connection ends."""

    max_failed_logins: int = 3
    """Refused logins on one connection before it ends."""

    failed_login_seconds: float = 0.5
    """How long the answer to a refused login is held back; well below the 5 s that vvmd waits."""

    login_seconds: float = 60.0
    """From connect to login, however the peer spreads its octets."""

    idle_seconds: float = 1_800.0
    """Silence between commands, and in IDLE; RFC 3501 section 5.4 asks for at least 30 minutes."""

    command_seconds: float = 60.0
    """From the first octet of a command to its last, and again for carrying it out."""

    write_seconds: float = 60.0
    """How long a peer may leave our octets unread."""

    linger_seconds: float = 2.0
    """How long a peer that goes on sending behind our BYE has to read it, before it is cut."""

    tls_handshake_seconds: float = 10.0
    """From connect (or STARTTLS) to the end of the TLS handshake."""

    idle_poll_seconds: float = 60.0
    """How often IDLE asks the mailbox for changes even without a hint."""

    sweep_seconds: float = 1.0
    """How often the deadlines above are checked, hence their precision."""

    write_buffer_bytes: int = 65_536
    """Answers collected for a peer before they must be written out and taken by it."""

    fetch_batch_messages: int = 100
    """Records that one FETCH or SEARCH holds in memory at a time."""
