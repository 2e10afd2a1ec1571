# SPDX-License-Identifier: Apache-2.0
"""Clients of the HTTP API that we did not write."""
