# SPDX-License-Identifier: Apache-2.0
"""A real Asterisk, with the configuration that operators get, and callers that speak."""
