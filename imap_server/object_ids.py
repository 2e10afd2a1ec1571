# SPDX-License-Identifier: Apache-2.0
"""Names that stay when mailboxes are renamed and messages are copied (RFC 8474).

A message is named by a digest of what never changes of it: the copies of a message share its name,
and no store has to keep one.  There are no threads.
"""

from __future__ import annotations

import hashlib

from imap_server.backend import MailboxStatus, MessageRecord, Snapshot


def mailbox_id(mailbox: MailboxStatus | Snapshot) -> str:
    """The backend's, else UIDVALIDITY in the same form."""
    return mailbox.mailbox_id or f"F{mailbox.uid_validity}"


def email_id(record: MessageRecord) -> str:
    """27 characters; the letter in front keeps it from looking like a number (section 4)."""
    digest = hashlib.sha256(record.header)
    digest.update(record.body_structure)
    digest.update(b"%d %d" % (record.size, round(record.internal_date.timestamp())))
    return f"M{digest.hexdigest()[:26]}"
