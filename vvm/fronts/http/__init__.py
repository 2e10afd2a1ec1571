# SPDX-License-Identifier: Apache-2.0
"""The HTTP API: operators provision subscribers, and other systems deposit messages."""
