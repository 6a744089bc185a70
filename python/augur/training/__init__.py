# SPDX-License-Identifier: GPL-2.0-only
"""What makes models: `augur-train`, and scripts/train.py in a checkout.

main        the program                    options     the command line
contract    features, logs' columns        logs        bytes of a decision log
checks      what cannot work               rows        reading and splitting
labels      which answer was right         network     the network
scores      how well it does on rows       export      the model directory
            that it never saw              replay      what it changes in the closed loop
supervised  all of that in one go          trainable   networks that Rust trains through their signatures
progress    what happens, on a terminal
"""

import os

# TensorFlow reads these when it is first imported, which is later.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
