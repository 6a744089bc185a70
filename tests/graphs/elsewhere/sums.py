# SPDX-License-Identifier: GPL-2.0-only
"""Adds up the workflows beside it: tasks, dependencies, runtimes, bytes, and the longest chain of runtimes."""

import gzip
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

HERE = Path(__file__).parent


def show(name, runtime, sent):
    children = {}
    for parent, child in sent:
        children.setdefault(parent, []).append(child)
    longest = {}

    def chain(task):
        if task not in longest:
            longest[task] = runtime[task] + max(map(chain, children.get(task, [])), default=0)
        return longest[task]

    print(name, len(runtime), len(sent), sum(runtime.values()), sum(sent.values()), max(map(chain, runtime)))


def specified():
    workflow = json.loads((HERE / "forkjoin-10.wfcommons-1.5.json").read_text())["workflow"]
    runtime = {task["id"]: task["runtimeInSeconds"] for task in workflow["execution"]["tasks"]}
    size = {file["id"]: file["sizeInBytes"] for file in workflow["specification"]["files"]}
    tasks = {task["id"]: task for task in workflow["specification"]["tasks"]}
    edges = {(parent, id) for id, task in tasks.items() for parent in task["parents"]}
    edges |= {(id, child) for id, task in tasks.items() for child in task["children"]}
    sent = {
        (a, b): sum(size[file] for file in tasks[b]["inputFiles"] if file in tasks[a]["outputFiles"]) for a, b in edges
    }
    show("wfcommons 1.5", runtime, sent)


def whole():
    path = HERE / "blast-small.wfcommons-1.4.json.gz"
    tasks = {task["name"]: task for task in json.loads(gzip.open(path).read())["workflow"]["tasks"]}
    runtime = {name: task["runtimeInSeconds"] for name, task in tasks.items()}
    edges = {(parent, name) for name, task in tasks.items() for parent in task["parents"]}
    edges |= {(name, child) for name, task in tasks.items() for child in task["children"]}

    def files(name, link):
        return {file["name"]: file["sizeInBytes"] for file in tasks[name]["files"] if file["link"] == link}

    sent = {
        (a, b): sum(size for file, size in files(b, "input").items() if file in files(a, "output")) for a, b in edges
    }
    show("wfcommons 1.4", runtime, sent)


def dax():
    space = "{http://pegasus.isi.edu/schema/DAX}"
    root = ElementTree.parse(HERE / "montage-25.dax").getroot()
    jobs = {job.get("id"): job for job in root.findall(space + "job")}
    runtime = {id: float(job.get("runtime")) for id, job in jobs.items()}
    edges = {
        (parent.get("ref"), child.get("ref"))
        for child in root.findall(space + "child")
        for parent in child.findall(space + "parent")
    }

    def files(id, link):
        uses = jobs[id].findall(space + "uses")
        return {one.get("file"): int(one.get("size")) for one in uses if one.get("link") == link}

    sent = {
        (a, b): sum(size for file, size in files(b, "input").items() if file in files(a, "output")) for a, b in edges
    }
    show("dax", runtime, sent)


def dot():
    runtime, sent = {}, {}
    for line in (HERE / "daggen-100.dot").read_text().splitlines():
        if found := re.match(r'\s*(\w+) -> (\w+) \[size="([^"]+)"\]', line):
            sent[found[1], found[2]] = float(found[3])
        elif found := re.match(r'\s*(\w+) \[size="([^"]+)"\]', line):
            runtime[found[1]] = float(found[2])
    show("dot", runtime, sent)


if __name__ == "__main__":
    specified()
    whole()
    dax()
    dot()
