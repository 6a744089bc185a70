# SPDX-License-Identifier: GPL-2.0-only
"""What of scx_augur is written in Python: `training` makes models, `sweep` runs many simulations, `command` is what all programs share."""
