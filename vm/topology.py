# SPDX-License-Identifier: GPL-2.0-only
"""Machine shapes, written as `2x2`, and the QEMU arguments that make them.

    C            one cache, C CPUs
    LxC          L last-level caches of C CPUs
    NxLxC        N NUMA nodes of L last-level caches of C CPUs
    NxLxCxT      the same, each core with T hardware threads

QEMU gives every socket its own L3, so a last-level cache is a socket here.
"""

from dataclasses import dataclass

from failure import Misuse

# Each virtual CPU is a host thread under software emulation: more than this only measures the host.
CPUS_MAX = 64


@dataclass(frozen=True)
class Topology:
    """Nodes, last-level caches a node, cores a cache, threads a core."""

    nodes: int
    llcs: int
    cores: int
    threads: int

    @property
    def cpus(self) -> int:
        return self.nodes * self.llcs * self.cores * self.threads

    @property
    def cpus_per_node(self) -> int:
        return self.llcs * self.cores * self.threads


def parse(text: str) -> Topology:
    """`2x2` → Topology; Misuse says what is wrong with anything else."""
    parts = text.split("x")
    if not all(part.isascii() and part.isdigit() for part in parts) or len(parts) > 4:
        raise Misuse(f"topology '{text}' is not of the form C, LxC, NxLxC or NxLxCxT, such as 2x2")
    numbers = [int(part) for part in parts]
    if 0 in numbers:
        raise Misuse(f"topology '{text}' has a zero in it; every level needs at least one")
    threads = numbers.pop() if len(numbers) == 4 else 1
    nodes, llcs, cores = [1] * (3 - len(numbers)) + numbers
    topology = Topology(nodes, llcs, cores, threads)
    if topology.cpus > CPUS_MAX:
        raise Misuse(f"topology '{text}' has {topology.cpus} CPUs; at most {CPUS_MAX} can be emulated")
    return topology


def qemu_arguments(topology: Topology, memory_mb: int) -> list[str]:
    """The -smp, -m and -numa arguments of a machine of this shape; nodes share the memory equally."""
    sockets = topology.nodes * topology.llcs
    smp = f"{topology.cpus},sockets={sockets},cores={topology.cores},threads={topology.threads}"
    if topology.nodes == 1:
        return ["-smp", smp, "-m", f"{memory_mb}M"]
    node_mb = memory_mb // topology.nodes
    arguments = ["-smp", smp, "-m", f"{node_mb * topology.nodes}M"]
    for node in range(topology.nodes):
        first = node * topology.cpus_per_node
        last = first + topology.cpus_per_node - 1
        arguments += ["-object", f"memory-backend-ram,id=memory{node},size={node_mb}M"]
        arguments += ["-numa", f"node,nodeid={node},cpus={first}-{last},memdev=memory{node}"]
    return arguments
