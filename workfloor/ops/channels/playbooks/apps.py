"""Playbooks: what a client's agents are told to say, what is done by rule, and what they can look up."""

from django.apps import AppConfig

from workfloor.ui.places import Place

PLAYBOOKS = Place("Playbooks", "book", "playbooks:playbooks", "playbooks.read", rank=43)


class PlaybooksConfig(AppConfig):
    name = "workfloor.ops.channels.playbooks"
    label = "playbooks"
    places = (PLAYBOOKS,)
