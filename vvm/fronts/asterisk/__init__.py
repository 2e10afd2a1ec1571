# SPDX-License-Identifier: Apache-2.0
"""Capture on Asterisk: calls by ARI, and the spool of the dialplan's fallback.

Asterisk is a media server here and keeps nothing about subscribers.
"""
