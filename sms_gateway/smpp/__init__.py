# SPDX-License-Identifier: Apache-2.0
"""SMPP 3.4 without sockets: octets to PDUs and back, and the state of one link."""
