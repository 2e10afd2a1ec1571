# SPDX-License-Identifier: Apache-2.0
"""The port to durable state, and the adapters behind it."""
