"""Playbooks: what a client's agents are told to say, what is done by rule, and what they can look up."""

from django.apps import AppConfig

from workfloor.ui.rules import Place


class PlaybookConfig(AppConfig):
    """Playbooks, with the page of what is in force and what came of it."""

    name = "workfloor.ops.playbook"
    label = "playbook"
    place = Place("Playbooks", "book", "playbook:playbooks", frozenset({"leader", "manager"}), rank=43)
