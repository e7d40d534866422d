"""What is done to the cluster while clients work on it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from cluster.nodes import Cluster
from cluster.programs import PATIENCE, answers, wait_until
from cluster.work import JSON, POPULAR, Work

#: Seconds for which something is away, where it comes back by itself.
AWAY = 10.0

#: Seconds after each trial in which all must go well again.
AFTER = 5.0


@dataclass(frozen=True)
class Outcome:
    """A trial, and what clients saw of it."""

    name: str
    seconds: float
    failures: int
    #: Seconds in which the kind of work that suffered most had no success.
    longest_gap: float


def nothing(cluster: Cluster) -> None:
    """Work as on every day."""
    time.sleep(AWAY)


def a_node_dies(cluster: Cluster) -> None:
    """Kill a node, with all that it is at, and start it again."""
    node = cluster.nodes[0]
    node.kill()
    time.sleep(AWAY)
    node.start()
    wait_until(node.is_ready, "the node that was killed")


def a_node_loses_the_database(cluster: Cluster) -> None:
    """Cut a node off from the database, and let it find back without a restart."""
    node = cluster.nodes[1]
    node.machine.cut_off_from(cluster.database_door)
    wait_until(lambda: not node.is_ready(), "the node to notice")
    time.sleep(AWAY)
    node.machine.reach(cluster.database_door)
    wait_until(node.is_ready, "the node that was cut off")


def the_primary_dies(cluster: Cluster) -> None:
    """Kill the primary; the replica takes over, and the old one comes back as its replica."""
    primary = cluster.primary()
    if primary is None:
        raise RuntimeError("there is no primary")
    (other,) = [one for one in cluster.databases if one is not primary]
    primary.kill()
    wait_until(lambda: other.has_role("primary"), "the replica to take over")
    wait_until(lambda: all(node.is_ready() for node in cluster.nodes), "the nodes")
    time.sleep(AWAY)
    primary.start()
    wait_until(cluster.is_safe, "the old primary to come back as a replica")


def the_object_store_refuses(cluster: Cluster) -> None:
    """Let no node reach the object store."""
    for node in cluster.nodes:
        node.machine.cut_off_from(cluster.store_machine)
    time.sleep(AWAY)
    for node in cluster.nodes:
        node.machine.reach(cluster.store_machine)
    wait_until(lambda: all(node.is_ready() for node in cluster.nodes), "the nodes")


TRIALS: dict[str, Callable[[Cluster], None]] = {
    "nothing happens": nothing,
    "a node is killed": a_node_dies,
    "a node is cut off from the database": a_node_loses_the_database,
    "the primary dies": the_primary_dies,
    "the object store refuses for 10 s": the_object_store_refuses,
}


def undergo(name: str, cluster: Cluster, work: Work) -> Outcome:
    """Run the trial, and see that all goes well again after it."""
    begun = time.monotonic()
    TRIALS[name](cluster)
    over = time.monotonic()
    wait_until(lambda: answers(f"{cluster.url}/readyz"), "the proxy")
    wait_until(
        lambda: (
            work.moments.failures(time.monotonic() - AFTER, time.monotonic()) == 0
            and time.monotonic() - over > AFTER
        ),
        "all to go well again",
    )
    until = time.monotonic()
    return Outcome(
        name,
        over - begun,
        work.moments.failures(begun, until),
        work.moments.longest_gap(begun, until),
    )


def check(cluster: Cluster, work: Work) -> list[str]:
    """Hold what every node has against what was promised; give what is wrong."""
    faults = list(work.faults)
    for node in cluster.nodes:
        faults += _check_files(node.url, work)
    faults += _check_notes(cluster.url, work)
    faults += _check_downloads(cluster, work)
    told = cluster.nodes[0].command("fsck", "--json")
    found = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    faults += [
        f"fsck: {one['kind']}: {one['reason']}"
        for one in found
        # Bytes without a row are of uploads that nobody acknowledged; too young to be removed.
        if "summary" not in one and one["kind"] != "orphaned"
    ]
    return faults


def _check_files(url: str, work: Work) -> list[str]:
    faults, found = [], set()
    with httpx.Client(headers={"Accept": JSON}, timeout=30) as client:
        listed = client.get(f"{url}/simple/").json()["projects"]
        for project in listed:
            address = httpx.URL(f"{url}/simple/{project['name']}/")
            for file in client.get(address).json()["files"]:
                content = client.get(address.join(file["url"])).content
                digest = hashlib.sha256(content).hexdigest()
                if digest != work.promises.sent.get(file["filename"]):
                    faults.append(f"{url}: {file['filename']} has the sha256 {digest}")
                found.add(file["filename"])
    lost = set(work.promises.acknowledged) - found
    return faults + [f"{url}: {name} was acknowledged and is not there" for name in sorted(lost)]


def _check_notes(url: str, work: Work) -> list[str]:
    with httpx.Client(auth=work.notes_auth, timeout=30) as client:
        return [
            f"the note {number} was acknowledged and is not there"
            for number, title in work.promises.notes.items()
            if client.get(f"{url}/api/v1/notes/{number}").json().get("title") != title
        ]


def _check_downloads(cluster: Cluster, work: Work) -> list[str]:
    """As many are recorded as were completed, and none that was never begun."""
    promises, extra = work.promises, len(cluster.nodes)

    def recorded() -> int:
        told = json.loads(cluster.nodes[0].command("stats", POPULAR, "--json"))
        return int(told["downloads"])

    with contextlib.suppress(TimeoutError):
        # The checks of the files downloaded it once more from each node.
        wait_until(lambda: recorded() >= promises.completed + extra, "the spools", PATIENCE / 2)
    found = recorded() - extra
    if promises.completed <= found <= promises.begun:
        return []
    return [
        f"{found} downloads are recorded; {promises.completed} were completed of {promises.begun}"
    ]
