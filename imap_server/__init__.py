# SPDX-License-Identifier: Apache-2.0
"""An asyncio IMAP4rev1 server as a library.

It knows no subscriber, no SMS and no SQL.  What it needs of a mail store it asks for in the
Protocols of ``imap_server.backend``; who embeds it hands in an implementation, the settings and a
TLS context, and calls ``imap_server.server.ImapServer``.
"""
