# SPDX-License-Identifier: Apache-2.0
"""Pure codecs of the OMTP interface: the text of SMS in both directions.

"The sheet" in this package and in ``vvm.message`` is docs/spec/omtp.md: what OMTP 1.1 to 1.3 ask
for and what handsets in the field really send and take, with numbered rows.
"""
