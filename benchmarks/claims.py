"""Agents who claim work for themselves: `python -m benchmarks.claims ADDRESS SCRIPT CONNECTIONS EACH`.

Prints when the first claim began and when the last one was committed.
"""

import sys
import threading
import time

import psycopg


def main(address: str, script: str, connections: str, each: str) -> None:
    """Claim so often over each of so many connections."""
    _, enter, take, _ = script.split(";\n", 3)
    agents = [psycopg.connect(address, prepare_threshold=0) for _ in range(int(connections))]
    threads = [threading.Thread(target=_claim, args=[agent, enter, take, int(each)]) for agent in agents]
    began = time.time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(began, time.time())


def _claim(agent: "psycopg.Connection[tuple[object, ...]]", enter: str, take: str, each: int) -> None:
    for _ in range(each):
        with agent.pipeline(), agent.transaction():  # one round trip for all that can go in one
            agent.execute(enter)
            agent.execute(take)


if __name__ == "__main__":
    main(*sys.argv[1:])
