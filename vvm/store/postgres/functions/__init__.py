# SPDX-License-Identifier: Apache-2.0
"""What one round trip does in several steps; installed again whenever its text has changed."""
