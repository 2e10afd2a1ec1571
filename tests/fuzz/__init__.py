# SPDX-License-Identifier: Apache-2.0
"""Octets that nobody thought of, against every reader of what strangers send."""
