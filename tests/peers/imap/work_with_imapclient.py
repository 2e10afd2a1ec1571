# SPDX-License-Identifier: Apache-2.0
"""What IMAPClient does in test_imapclient, in an interpreter that has it:  PORT CERTIFICATE USER PASSWORD.

Prints ``idling`` when it waits for a deposit, and in the end its own copy of the mailbox as JSON.
"""

from __future__ import annotations

import json
import ssl
import sys
from typing import Any

from imapclient import IMAPClient

_PATIENCE_SECONDS = 30
_LETTER = b"Subject: appended\r\n\r\nhere\r\n"


class Copy:
    """A folder as a program that works offline keeps it: fetched once, then only what has changed."""

    def __init__(self, client: IMAPClient, folder: str) -> None:
        self._client = client
        self._folder = folder
        self._modseq = 0
        self.flags: dict[int, list[str]] = {}
        self.octets: dict[int, bytes] = {}

    def synchronise(self) -> None:
        selected = self._client.select_folder(self._folder, readonly=True)
        there = set(self._client.search("ALL"))
        for gone in self.flags.keys() - there:
            del self.flags[gone], self.octets[gone]
        changed = [f"CHANGEDSINCE {self._modseq}"] if self._modseq else None
        for uid, data in self._client.fetch(sorted(there), ["FLAGS"], modifiers=changed).items():
            self.flags[uid] = sorted(flag.decode() for flag in data[b"FLAGS"] if flag != rb"\Recent")
        new = sorted(there - self.octets.keys())
        for uid, data in self._client.fetch(new, ["BODY.PEEK[]"]).items():
            self.octets[uid] = data[b"BODY[]"]
        self._modseq = selected[b"HIGHESTMODSEQ"]

    def as_json(self) -> dict[str, Any]:
        return {str(uid): [flags, self.octets[uid].hex()] for uid, flags in self.flags.items()}


def main() -> None:
    port, certificate, user, password = sys.argv[1:]
    tls = ssl.create_default_context(cafile=certificate)
    with IMAPClient("localhost", port=int(port), ssl_context=tls) as client:
        client.login(user, password)
        client.enable("CONDSTORE")
        inbox, archive = Copy(client, "INBOX"), Copy(client, "Archive/2026")
        inbox.synchronise()
        client.create_folder("Archive/2026")
        client.select_folder("INBOX")
        audio = [
            data[b"BODYSTRUCTURE"][0][0][1].decode()
            for data in client.fetch(client.search("ALL"), ["ENVELOPE", "BODYSTRUCTURE"]).values()
        ]
        client.move([1], "Archive/2026")
        client.copy([2], "Archive/2026")
        client.add_flags([2], [r"\Seen", r"\Answered"])
        client.append("INBOX", _LETTER, flags=["$mine"])
        client.delete_messages([3])
        client.expunge([3])
        wait_for_a_deposit(client)
        inbox.synchronise()
        archive.synchronise()
        folders = sorted(name for _, _, name in client.list_folders())
    print(
        json.dumps(
            {"inbox": inbox.as_json(), "archive": archive.as_json(), "audio": audio, "folders": folders}
        )
    )


def wait_for_a_deposit(client: IMAPClient) -> None:
    """In IDLE; whoever reads our output is to make one."""
    before = client.folder_status("INBOX", ["MESSAGES"])[b"MESSAGES"]
    client.idle()
    print("idling", flush=True)
    heard = client.idle_check(timeout=_PATIENCE_SECONDS)
    client.idle_done()
    assert (before + 1, b"EXISTS") in heard, heard


if __name__ == "__main__":
    main()
