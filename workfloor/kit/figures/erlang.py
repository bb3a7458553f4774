"""Waiting lines with exact answers: the loss, delay and patience formulas that Erlang and Palm left us.

Arrivals are Poisson, times exponential, servers alike, one line, first come first served. `load` is what arrives times
what each takes (both in the same unit of time): the servers that would be busy if nobody ever waited.
"""

import math


def loss(servers: int, load: float) -> float:
    """Return Erlang B: the share of arrivals that find every server busy where nobody waits.

    By the recursion B(n) = load B(n-1) / (n + load B(n-1)), which neither overflows nor cancels (Jagerman, Some
    Properties of the Erlang Loss Function, 1974). Raises ValueError for a negative load or number of servers.
    """
    _check(servers, load)
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def delay(servers: int, load: float) -> float:
    """Return Erlang C: the share of arrivals that wait where all wait for as long as it takes; 1 where load >= servers.

    From B: C = B / (1 - u (1 - B)) with u = load / servers (Cooper, Introduction to Queueing Theory, 1981, ch. 3).
    """
    if load >= servers:
        _check(servers, load)
        return 1.0
    blocked = loss(servers, load)
    return blocked / (1 - load / servers * (1 - blocked))


def mean_delay(servers: int, load: float, handling: float) -> float:
    """Return the mean wait of all arrivals under Erlang C, in the unit of `handling`; inf where load >= servers."""
    return math.inf if load >= servers else delay(servers, load) * handling / (servers - load)


def served_within(servers: int, load: float, handling: float, limit: float) -> float:
    """Return the share of arrivals that wait at most `limit` under Erlang C; `handling` and `limit` in one unit."""
    if load >= servers:
        return 0.0
    return 1 - delay(servers, load) * math.exp(-(servers - load) * limit / handling)


def impatient_delay(servers: int, load: float, patience: float) -> float:
    """Return the share of arrivals that wait under Erlang A (M/M/n+M); `patience` in handling times, its mean.

    With A(x, y) = 1 + y/(x+1) + y^2/((x+1)(x+2)) + ..., x = n patience, y = load patience, and B = Erlang B:
    P(wait) = A B / (1 + (A - 1) B) (Palm, Research on telephone traffic carried by full availability groups, 1957;
    Mandelbaum and Zeltyn, The Palm/Erlang-A Queue, 2005).
    """
    blocked, least = loss(servers, load), 1 / _excess(servers * patience, load * patience)
    return blocked / (least + (1 - least) * blocked)


def abandoned(servers: int, load: float, patience: float) -> float:
    """Return the share of arrivals that give up under Erlang A; `patience` in handling times, its mean.

    P(abandon | wait) = 1/(u A) + 1 - 1/u with u = load / servers (same sources); without servers everybody gives up.
    """
    _check(servers, load)
    if not servers or not load:
        return 0.0 if servers else 1.0
    use = load / servers
    given_up = 1 / use / _excess(servers * patience, load * patience) + 1 - 1 / use
    return impatient_delay(servers, load, patience) * max(given_up, 0.0)


def impatient_mean_delay(servers: int, load: float, handling: float, patience: float) -> float:
    """Return the mean wait of all arrivals under Erlang A, those who give up included; all times in one unit.

    Exact by Little: E(wait) = P(abandon) x mean patience.
    """
    return abandoned(servers, load, patience / handling) * patience


def _excess(x: float, y: float) -> float:
    """Return A(x, y), all of whose terms are positive; infinite where no float holds it, which its users allow for."""
    total, term, k = 1.0, 1.0, 0
    while term > total * 1e-17:
        k += 1
        term *= y / (x + k)
        total += term
    return total


def _check(servers: int, load: float) -> None:
    if servers < 0 or load < 0:
        raise ValueError("There is no negative number of servers, and no negative load.")
