# SPDX-License-Identifier: Apache-2.0
"""One suite for every adapter of a port: what a docstring in vvm/store/port.py promises is seen here."""
