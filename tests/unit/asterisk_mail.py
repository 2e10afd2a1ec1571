# SPDX-License-Identifier: Apache-2.0
"""A mail as Asterisk 16 stores it by IMAP, field by field as it was seen on the wire."""

from __future__ import annotations

from base64 import encodebytes

_HEADER = """\
Date: Sun, 22 Nov 2026 23:26:20 +0000
From: Asterisk PBX <asterisk@pbx.test>
To: "Alice Example" <33612345678>
Subject: [PBX]: New message 1 in mailbox 1001
Message-ID: <Asterisk-1-1330950325-1001-19466@vm>
X-Asterisk-VM-Message-Num: 1
X-Asterisk-VM-Server-Name:
X-Asterisk-VM-Context: default
X-Asterisk-VM-Extension: 1001
X-Asterisk-VM-Flag:
X-Asterisk-VM-Priority: 1
X-Asterisk-VM-Caller-ID-Num: {caller}
X-Asterisk-VM-Caller-ID-Name: Erin UA
X-Asterisk-VM-Duration: 6
X-Asterisk-VM-Category:
X-Asterisk-VM-Message-Type: {type}
X-Asterisk-VM-Orig-date: Sunday, November 22, 2026 at 11:26:20 PM
X-Asterisk-VM-Orig-time: {time}
X-Asterisk-VM-Message-ID: 1795389974-00000000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="----voicemail_1"

------voicemail_1
Content-Type: text/plain; charset=ISO-8859-1

Dear Alice: there is a message for you.

------voicemail_1
Content-Type: audio/x-wav; name="msg0000.wav"
Content-Transfer-Encoding: base64
Content-Description: Voicemail sound attachment.
Content-Disposition: attachment; filename="msg0000.wav"

"""


def asterisk_mail(
    audio: bytes, *, caller: str = "+15559999", kind: str = "Message", time: str = "1795389980"
) -> bytes:
    head = _HEADER.format(caller=caller, type=kind, time=time)
    text = head + encodebytes(audio).decode() + "\n------voicemail_1--\n"
    return text.replace("\n", "\r\n").encode()
