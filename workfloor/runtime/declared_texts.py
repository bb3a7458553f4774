"""Texts that are declared rather than written into a page or a message: what a catalogue of translations needs besides.

Actions, permissions, measures and states are declared once, in plain words, for commands, documentation and pages
alike; what an amount was computed from is worded where it is computed. Only pages translate them.
"""

import ast
import inspect
from collections.abc import Iterator
from types import ModuleType

from workfloor.core.access import permissions
from workfloor.core.catalogue import entries
from workfloor.core.claims import rules as claims_rules
from workfloor.core.contracts import levels, pricing
from workfloor.core.conversations import messages as conversations_messages
from workfloor.core.measures import presenting as measures_presenting
from workfloor.core.people import qualification
from workfloor.core.periods import months as period_months
from workfloor.core.retention import kinds
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work import lifecycle
from workfloor.desks.console import queries as console_queries
from workfloor.kit import declarations
from workfloor.kit.figures import steps
from workfloor.ops.billing import amounts, corrections, settlement, statements
from workfloor.ops.channels.email import sorting
from workfloor.ops.webhooks import retries

# Names that pages show as words.
_NAMES = (
    lifecycle.STATES,
    lifecycle.CASE_KINDS,
    work_kinds.NAMES,
    conversations_messages.STATES,
    sorting.STATES,
    qualification.AGENT_STATES,
    qualification.NOT_READY_REASONS,
    claims_rules.KINDS,
    claims_rules.STATES,
    ("open", *period_months.SHUT, "provisional", *period_months.DISPUTE_STATES),
    retries.STATES,
    retries.ENDPOINT_STATES,
    statements.COUNTS,
    permissions.ROLES,
)
_COMPUTING = (amounts, corrections, levels, pricing, settlement)  # their steps say what they are
_STEPS = {name for name, each in inspect.getmembers(steps, inspect.isfunction) if each.__module__ == steps.__name__}


def declared_texts() -> list[str]:
    """Every one of them, once, as it is translated: with `{name}` where a value stands."""
    found = [*_names(), *_of_access(), *_of_measures(), *_of_actions()]
    found += [text for module in _COMPUTING for text in _of_steps(module)]
    return list(dict.fromkeys(text for text in found if text))


def _names() -> Iterator[str]:
    for names in _NAMES:
        for name in names:
            yield name
            yield name.replace("-", " ")


def _of_access() -> Iterator[str]:
    yield from permissions.ROLES.values()
    yield from (each.words for each in permissions.PERMISSIONS.values())
    yield from (each.title for each in kinds.KINDS.values())
    yield from kinds.KEPT.values()


def _of_measures() -> Iterator[str]:
    for each in entries.EVERY:
        yield from (each.title, each.definition)
    within = (name for key, name in measures_presenting.NAMES.items() if key.endswith(measures_presenting.THRESHOLD))
    yield from (f"{name} {{threshold}} s" for name in within)
    yield from (words for words in measures_presenting.VERDICTS.values() if words != "–")


def _of_actions() -> Iterator[str]:
    for action in console_queries.declared().values():
        yield from (action.words, action.summary, action.help, action.says, action.confirm)
        for each in action.parameters:
            yield from (each.field.words, each.field.help, *each.choices)
    yield from (each.words for each in declarations.register.handles.values())


def _of_steps(module: ModuleType) -> Iterator[str]:
    """The first argument of each step that a module computes, as it is written there."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and node.args and _is_step(node.func):
            yield from _written(node.args[0])


def _is_step(called: ast.expr) -> bool:
    return isinstance(called, ast.Attribute) and called.attr in _STEPS


def _written(words: ast.expr) -> Iterator[str]:
    if isinstance(words, ast.Constant) and isinstance(words.value, str):
        yield words.value
    if isinstance(words, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else f"{{part{number}}}"
            for number, part in enumerate(words.values)
        )
