# SPDX-License-Identifier: GPL-2.0-only
"""Units of a sweep on a Ray cluster, whose nodes need Python and ray alone: what a unit reads is sent to those that
lack it.
"""

import contextlib
import itertools
import os
import re
import shutil
import signal
import socket
import tempfile
import uuid
from collections import Counter

import augur

from ..command import Refusal, interrupt, reason, remedy
from .plan import digest_of, files_of
from .unit import KEYS, Children, perform


def run_on_ray(units, binary, workers, address, sent):
    """Runs units on the cluster at `address`; yields each with its row, as they are done. Counts in `sent` the bytes
    that nodes fetched.
    """
    ray = connect(address)
    # In each node's folder for temporary files.
    folder = f"scx_augur-sweep-{uuid.uuid4().hex}"
    task = ray.remote(at_node).options(num_cpus=1, max_retries=3, scheduling_strategy="SPREAD")
    needs = {unit: {binary, *unit.parcels()} for unit in units}
    uses = Counter(parcel for parcels in needs.values() for parcel in parcels)
    waiting, flying, boxes = iter(units), {}, {}

    def submit(unit):
        # Within a dictionary they stay references: a node fetches what it lacks.
        ready = {parcel.digest: boxes[parcel] for parcel in needs[unit] if parcel in boxes}
        flying[task.remote(unit, binary, ready, folder)] = unit

    try:
        while True:
            # Enough for every CPU to have its next unit at hand; more would only fill the memory of a long sweep.
            room = workers or 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
            for unit in itertools.islice(waiting, max(0, room - len(flying))):
                submit(unit)
            if not flying:
                return
            for ref in ray.wait(list(flying))[0]:
                unit = flying.pop(ref)
                row, count, lacking = fetched(ray, ref, unit)
                if lacking:
                    for parcel in needs[unit] - boxes.keys():
                        if parcel.digest in lacking:
                            boxes[parcel] = ray.put(content_of(parcel))
                    submit(unit)
                    continue
                sent[0] += count
                uses.subtract(needs[unit])
                for parcel in needs[unit]:
                    if not uses[parcel]:
                        boxes.pop(parcel, None)
                yield unit, row
    except (ray.exceptions.RayError, ConnectionError, RuntimeError) as err:
        raise Refusal(f"the Ray cluster at {address} was lost ({reason(err)[:200]}); go on with --resume") from err
    finally:
        for ref in flying:
            ray.cancel(ref)
        clean_up(ray, folder)
        ray.shutdown()


def connect(address):
    """Joins the cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as err:
        raise Refusal(
            f"a sweep on a cluster needs the Python package ray; {remedy('sweep')} and start this with the Python "
            "that has it, or leave --address away"
        ) from err
    # Nodes have no such package.
    ray.cloudpickle.register_pickle_by_value(augur)
    try:
        # Ray itself tries for minutes.
        if found := re.fullmatch(r"(?:ray://)?\[?(.+?)\]?:(\d+)", address):
            socket.create_connection((found[1], int(found[2])), timeout=10).close()
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as err:
        raise Refusal(
            f"cannot join a Ray cluster at {address} ({reason(err)[:200]}); start one with `ray start --head`, or "
            "leave --address away"
        ) from err
    # Ray has put its own in place.
    signal.signal(signal.SIGTERM, interrupt)
    return ray


def content_of(parcel):
    """What is in a parcel: names, modes and bytes of its files."""
    content = []
    for name in files_of(parcel.path):
        path = os.path.normpath(os.path.join(parcel.path, name))
        with open(path, "rb") as file:
            content.append((name, os.stat(path).st_mode & 0o777, file.read()))
    return content


def at_node(unit, binary, boxes, folder):
    """What a node does with a unit: its row, and how many bytes it fetched for it; or the digests of what it has not
    and nobody has sent.
    """
    import ray

    folder = os.path.join(tempfile.gettempdir(), folder)
    os.makedirs(folder, 0o700, exist_ok=True)

    def place(parcel):
        return os.path.join(folder, parcel.digest, os.path.basename(parcel.path))

    parcels = {binary, *unit.parcels()}
    lacking = {parcel for parcel in parcels if not os.path.lexists(place(parcel)) and not link(parcel, place(parcel))}
    absent = {parcel.digest for parcel in lacking} - boxes.keys()
    if absent:
        return None, 0, absent
    count = sum(unpack(ray.get(boxes[parcel.digest]), place(parcel)) for parcel in lacking)
    row = perform(unit, place(binary), place, Children())
    return row | {"host": socket.gethostname(), "node": ray.get_runtime_context().get_node_id()}, count, None


def link(parcel, to):
    """Makes a link to what this machine itself has, if that is the same."""
    try:
        same = digest_of(parcel.path) == parcel.digest
    except OSError:
        return False
    return same and whole_or_not_at_all(to, lambda path: os.symlink(parcel.path, path))


def unpack(content, to):
    """Writes a parcel's content. Gives its size."""

    def write(path):
        for name, mode, data in content:
            file = os.path.normpath(os.path.join(path, name))
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "wb", opener=lambda file, flags: os.open(file, flags, mode)) as written:
                written.write(data)

    whole_or_not_at_all(to, write)
    return sum(len(data) for _, _, data in content)


def whole_or_not_at_all(path, make):
    """Has `make` make a path in a new folder, and gives the folder its name when that is done."""
    folder, name = os.path.split(path)
    making = f"{folder}.{uuid.uuid4().hex}"
    os.mkdir(making, 0o700)
    make(os.path.join(making, name))
    try:
        os.rename(making, folder)
    except OSError:
        # Another unit on this node was faster.
        shutil.rmtree(making, ignore_errors=True)
        if not os.path.lexists(path):
            raise
    return True


def fetched(ray, ref, unit):
    """What became of a task, as `at_node` gives it; a row with the error where the node or the worker was lost for
    good.
    """
    try:
        return ray.get(ref)
    except ray.exceptions.RayError as err:
        # Ray's texts are long; what happened is in the last line of a task's traceback, in the first of everything
        # else.
        lines = [line for line in str(err).splitlines() if line.strip()] or [type(err).__name__]
        told = lines[-1] if isinstance(err, ray.exceptions.RayTaskError) else lines[0]
        lost = {"wall_s": None, "host": None, "node": None}
        return (
            {name: getattr(unit, name) for name in KEYS[:-1]} | {"error": f"the unit was lost: {told.strip()}"} | lost,
            0,
            None,
        )


def clean_up(ray, folder):
    """Has every node forget what it was sent; a node that does not answer keeps it."""

    def forget(folder):
        shutil.rmtree(os.path.join(tempfile.gettempdir(), folder), ignore_errors=True)

    with contextlib.suppress(Exception):
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as OnNode

        task = ray.remote(forget)
        nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
        refs = [task.options(num_cpus=0, scheduling_strategy=OnNode(node, soft=False)).remote(folder) for node in nodes]
        ray.wait(refs, num_returns=len(refs), timeout=20)
