# SPDX-License-Identifier: Apache-2.0
"""The schema's steps, numbered; each runs once, in order."""
