# SPDX-License-Identifier: GPL-2.0-only
"""The Python of scx_augur: `training` makes models, `sweep` runs many simulations, `command` is shared."""
