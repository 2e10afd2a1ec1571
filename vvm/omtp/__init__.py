# SPDX-License-Identifier: Apache-2.0
"""Pure codecs of the OMTP interface: the text of SMS in both directions."""
