# SPDX-License-Identifier: Apache-2.0
"""What a stored message is: its MIME octets, where its parts are, and its audio.

"The sheet" in this package is docs/spec/omtp.md, as in ``vvm.omtp``.
"""
