# SPDX-License-Identifier: Apache-2.0
"""How a peer proves who it is: SASL mechanisms (pure conversations) and the admission they end in."""
