# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/train.py is made of.

    contract    features, logs' columns        options     the command line
    checks      what is wrong with them        logs        bytes of a decision log
    rows        reading and splitting          labels      which answer was right
    network     the network                    scores      how well it does on rows that it never saw
    export      the model directory            replay      what it changes in the closed loop
    supervised  all of that in one go          trainable   networks that Rust trains through their signatures
    progress    what happens, on a terminal
"""

import os

# TensorFlow reads these when it is first imported, which is later.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
