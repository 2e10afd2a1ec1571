# SPDX-License-Identifier: Apache-2.0
"""Octets of messages outside of the database: docs/storage.md."""
