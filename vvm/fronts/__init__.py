# SPDX-License-Identifier: Apache-2.0
"""Where a protocol meets the services."""
