# SPDX-License-Identifier: Apache-2.0
"""Voicemail that another system holds comes here: a source says what there is, one use case takes it in."""
