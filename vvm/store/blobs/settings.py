# SPDX-License-Identifier: Apache-2.0
"""What an operator decides about the octets of messages."""

from __future__ import annotations

import msgspec

FILE = "file://"
S3 = "s3://"


class BlobSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the octets of new messages lie; what lies in the database stays there."""

    url: str = ""
    """"" keeps them in the database; file:///DIRECTORY, or s3://BUCKET/PREFIX."""
    encrypt: bool = False
    """Encrypt blobs, each with the key of its mailbox; the key lies wrapped in the database and goes
    with the subscriber."""
    endpoint: str = ""
    """Of the S3-compatible store, https://HOST; "" is Amazon's own."""
    region: str = "us-east-1"
    """Of the bucket."""
    access_key: str = ""
    """Id of the credentials; "" takes those of the environment or of the machine's role."""
    secret_key: str = ""
    """The secret that belongs to it."""
    timeout_seconds: float = 5.0
    """How long the object store may take for one blob; then the deposit is refused for now."""
    connections: int = 32
    """The most blobs that are written or read at a time by one process."""
    cache_directory: str = ""
    """Keeps copies of what was put and read, for an object store; "" keeps none."""
    cache_bytes: int = 1 << 30
    """About how much of them; the least recently read go first."""
    sweep_after_hours: float = 24.0
    """How old a blob without a message must be to count as left behind by a crash."""
    sweep_every_hours: float = 24.0
    """How often all blobs are listed to find those; blobs of messages that are gone need no list."""

    keep_days: float = 0.0
    """How long a blob is kept after its message is gone: as far back as the database may be recovered to."""

    @property
    def place(self) -> str:
        """The URL without its scheme."""
        return self.url.removeprefix(FILE).removeprefix(S3)
