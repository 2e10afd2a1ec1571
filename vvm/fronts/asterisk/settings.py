# SPDX-License-Identifier: Apache-2.0
"""What an operator decides about capture on Asterisk: section ``[asterisk]``."""

from __future__ import annotations

import socket

import msgspec


class AsteriskSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One media node.  The defaults fit the files of ``conf/asterisk``."""

    ari: str = "http://127.0.0.1:8088"
    """Base address of ARI; "" leaves calls alone."""
    ari_user: str = "vvm"
    """The section of ari.conf."""
    ari_password_file: str = ""
    """File whose first line is that section's password."""
    application: str = "vvm"
    """First argument of Stasis() in extensions.conf."""
    greeting: str = "sound:vm-intro"
    """What the caller hears before the beep: a media URI of ARI."""
    media_listen: str = ""
    """Where the node fetches subscribers' own greetings, for example 127.0.0.1:8089; "" plays none."""
    media_url: str = ""
    """How the node reaches that address from where it stands; "" is http://media_listen."""
    goodbye: str = "sound:vm-goodbye"
    """What the caller hears when the recording reached its end and the call did not; "" is nothing."""
    beep: bool = True
    """A beep before the recording."""
    max_seconds: int = 300
    """Longest recording.  Keep TIMEOUT(absolute) of extensions.conf well above it."""
    max_silence_seconds: int = 10
    """So much silence ends the recording; 0 waits for the caller to hang up."""
    terminate_on: str = "#"
    """The key that ends the recording: "#", "*", "any" or "none"."""
    play_seconds: float = 60.0
    """A greeting that has not ended by then is a failure of the node."""
    request_seconds: float = 10.0
    """Longest wait for an answer of ARI."""
    fetch_seconds: float = 60.0
    """Longest wait for a whole recording."""
    heartbeat_seconds: float = 15.0
    """How often the connection for events is tried out."""
    reconnect_seconds: float = 0.5
    """First wait before ARI is tried again; it doubles each time."""
    reconnect_max_seconds: float = 30.0
    """Longest wait before ARI is tried again."""
    stop_seconds: float = 5.0
    """At the end, so long may it take to hand callers who hear the greeting to the dialplan."""
    max_recording_bytes: int = 32 * 1024 * 1024
    """A larger recording is not taken in."""
    recover_every: float = 60.0
    """Seconds between two looks for recordings that nobody has taken in."""
    intake_workers: int = 4
    """Recordings taken in at once."""
    intake_queue: int = 1000
    """Recordings known to wait; those beyond are found by the next look."""
    retry_refused_every: float = 900.0
    """Seconds until a refused recording or message is tried again."""
    deposit_seconds: float = 120.0
    """Longest wait for the service to take one message."""
    spool: str = ""
    """astspooldir, to drain the fallback's messages from; "" drains nothing."""
    spool_context: str = "vvm"
    """The section of voicemail.conf that has the fallback's mailboxes."""
    spool_every: float = 5.0
    """Seconds between two looks into the spool."""
    lock_seconds: float = 5.0
    """Longest wait for app_voicemail's lock on a folder."""
    system_name: str = msgspec.field(default_factory=socket.gethostname)
    """Tells nodes apart whose spools are drained: systemname of asterisk.conf."""
