"""Playbooks: what a client's agents are told to say, what is done by rule, and what they can look up."""

from django.apps import AppConfig


class PlaybookConfig(AppConfig):
    name = "workfloor.ops.playbook"
    label = "playbook"
