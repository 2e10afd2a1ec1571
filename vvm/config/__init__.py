# SPDX-License-Identifier: Apache-2.0
"""One configuration: a TOML file, overridden by environment variables, checked before anything starts."""
