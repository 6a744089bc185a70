# SPDX-License-Identifier: GPL-2.0-only
"""Runs scx_augur on every policy, workload, machine and seed of a sweep, here or on Ray, into one Parquet file.

    %(prog)s --config FILE --out TABLE                        all CPUs of this machine
    %(prog)s --config FILE --out TABLE --address HOST:6379    all CPUs of a Ray cluster (auto: the one of this machine)
    %(prog)s --config FILE --out TABLE --resume               what an interrupted or a failed sweep still lacks

A unit is one policy on one workload, machine and seed: one call of `scx_augur simulate --json` or `scx_augur replay
--json`, on one CPU. It is one row of the table, with every figure that the call prints; a unit that fails is a row with
its `error`, and the others go on. Rows stand in the sweep's order and do not depend on where they came from, but for
wall_s, decision_ns, host and node. What a unit reads is sent to nodes that have no file like it, the program included;
they need Python and ray.

The sweep, with paths beside its file:

    seeds = { first = 1, count = 3 }          or a list, [1, 5, 7]; a block may have its own

    [[simulate]]
    workloads = ["calm.toml", { name = "busy", tasks = 2000 }]      settings (also *.toml), or name, file, tasks;
                                                                    none: the defaults
    policies = ["eft", "hybrid_ml[alone=1]"]
    machines = ["cpu-gpu", "cpu-gpu[gpus=8]", "multiprocessor"]     scenarios; left out: cpu-gpu

    [[replay]]
    workloads = ["traces/*.augur"]                                  traces, or tables of name, file, jitter_us, costs
    policies = ["eevdf-like", "augur", "model[dir=model]"]
    machines = ["recorded", "2x2x4x2", "machine.toml"]              left out: recorded, the trace's own
"""

from ..command import Parser, whole


def arguments(argv=None, program="augur-sweep"):
    """Parses the command line."""
    parser = Parser(prog=program, description=__doc__)
    parser.add_argument("--config", required=True, metavar="FILE", help="the sweep (TOML)")
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="the table to write (Parquet); FILE.partial grows beside it until then",
    )
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        help="a Ray cluster: HOST:PORT or auto (default: RAY_ADDRESS; without one, this machine)",
    )
    parser.add_argument("--local", action="store_true", help="this machine, whatever RAY_ADDRESS says")
    parser.add_argument(
        "--workers", type=whole(1), metavar="N", help="at most so many units at once (default: one a CPU)"
    )
    parser.add_argument(
        "--binary", metavar="FILE", help="the scx_augur to run (default: the one that was built here, or that of PATH)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="keep the rows of FILE.partial that are still right, run the rest"
    )
    parser.add_argument("--json", action="store_true", help="print a summary as JSON")
    args = parser.parse_args(argv)
    if args.local and args.address:
        parser.error("--local and --address exclude each other")
    return args
