# SPDX-License-Identifier: Apache-2.0
"""SMS in and out over SMPP 3.4, as a library: it knows no subscriber and no voicemail.

Start at ``port.py`` (what the library asks of its host), then ``gateway.py`` (how the parts meet).
"""
