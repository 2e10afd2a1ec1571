# SPDX-License-Identifier: Apache-2.0
"""Octets to meaning and back, without IO: everything here can be tested and fuzzed with bytes alone."""
