# SPDX-License-Identifier: Apache-2.0
"""Writes down what a file of a schema looks like: ``python -m tests.upgrade.record`` for the present one.

The text is kept for ever, so that a step that is edited after its release is found out.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from tests.contract.samples import new_message
from vvm.store.rows import layout_octets
from vvm.store.sqlite.schema import VERSION

RECORDS = Path(__file__).with_name("sqlite")

# In columns of the first schema: the life of this mailbox began with the first release.
_LIFE = """
INSERT INTO mailbox (id) VALUES (7);
INSERT INTO subscriber (mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
                        password_check, password_sealed, created_at, changed_at)
VALUES (7, '+33612345678', 'R', '{"port": 5500}', 'fra', 1, 100, '33612345678@vvm.example.net', x'01', x'02',
        1000000, 2000000);
INSERT INTO folder (mailbox_id, id, name, uid_validity, uid_next, highest_modseq, messages, unseen, octets,
                    max_messages)
VALUES (7, 1, 'INBOX', 4711, 6, 9, 2, 1, 26, 100);
INSERT INTO message (mailbox_id, folder_id, uid, modseq, flags, kind, caller, received_at, utc_offset,
                     seconds, size, content_id)
VALUES (7, 1, 3, 4, 1, 'voice', '+33698765432', 0, 0, 7, 13, 1),
       (7, 1, 5, 9, 0, 'voice', NULL, 0, 3600, 8, 13, 2);
INSERT INTO journal (mailbox_id, folder_id, modseq, uid, change)
VALUES (7, 1, 4, 3, 'deposited'), (7, 1, 8, 4, 'expunged'), (7, 1, 9, 5, 'deposited');
INSERT INTO deposit_key (mailbox_id, key, uid) VALUES (7, 'k3', 3);
INSERT INTO outbox (subscriber_id, recipient, cause, uid, return_code, due_at, expires_at)
VALUES (1, '+33612345678', 'new_message', 5, 0, 3000000, 9000000000000000);
INSERT INTO inbound (key, originator, destination, text, received_at)
VALUES ('i1', '+33612345678', '5511', 'STATUS', 3000000);
"""


def record(version: int) -> str:
    """A file that the first release made and that went through every step up to ``version``, as SQL."""
    steps = files("vvm.store.sqlite.migrations")
    with closing(sqlite3.connect(":memory:")) as database:
        for number in range(1, version + 1):
            database.executescript(steps.joinpath(f"{number:04}.pre.sql").read_text(encoding="utf-8"))
            if number == 1:
                database.executescript(_LIFE)
                layout = layout_octets(new_message().layout)
                for content in (1, 2):
                    row = (content, layout, b"octets of %3d" % content)
                    database.execute("INSERT INTO content VALUES (?, ?, ?)", row)
        database.execute("UPDATE schema_version SET version = ?, compatible = 1", (version,))
        database.commit()
        return "\n".join(database.iterdump()) + "\n"


def main() -> None:
    version = int(sys.argv[1]) if sys.argv[1:] else VERSION
    (RECORDS / f"{version:04}.sql").write_text(record(version), encoding="utf-8")


if __name__ == "__main__":
    main()
