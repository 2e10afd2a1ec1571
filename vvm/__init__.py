# SPDX-License-Identifier: Apache-2.0
"""A visual voicemail server for mobile carriers.  Start reading at ARCHITECTURE.md."""
