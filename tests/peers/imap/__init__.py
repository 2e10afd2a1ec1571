# SPDX-License-Identifier: Apache-2.0
"""IMAP clients that people use, doing real work; in the end the mailbox is compared."""
