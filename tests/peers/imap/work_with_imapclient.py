# SPDX-License-Identifier: Apache-2.0
"""What IMAPClient does in test_imapclient, in an interpreter that has it:  PORT CERTIFICATE USER PASSWORD.

Prints what it saw as JSON.
"""

from __future__ import annotations

import json
import ssl
import sys

from imapclient import IMAPClient


def main() -> None:
    port, certificate, user, password = sys.argv[1:]
    tls = ssl.create_default_context(cafile=certificate)
    with IMAPClient("localhost", port=int(port), ssl_context=tls) as client:
        client.login(user, password)
        seen: dict[str, object] = {"exists": client.select_folder("INBOX")[b"EXISTS"]}
        fetched = client.fetch(
            client.search(["NOT", "DELETED"]), ["ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[]"]
        )
        seen["sizes"] = {uid: len(data[b"BODY[]"]) for uid, data in fetched.items()}
        seen["audio"] = [data[b"BODYSTRUCTURE"][0][0][1].decode() for data in fetched.values()]
        client.create_folder("Archive/2026")
        client.move([1], "Archive/2026")
        client.add_flags([2], [r"\Seen"])
        client.append("INBOX", b"Subject: appended\r\n\r\nhere\r\n", flags=["$mine"])
        client.delete_messages([3])
        client.expunge([3])
        seen["folders"] = sorted(name for _, _, name in client.list_folders())
        seen["flags"] = {
            uid: sorted(flag.decode() for flag in flags)
            for uid, flags in client.get_flags(client.search()).items()
        }
        seen["archived"] = client.folder_status("Archive/2026", ["MESSAGES"])[b"MESSAGES"]
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
