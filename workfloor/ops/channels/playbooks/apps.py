"""Playbooks: what a client's agents are told to say, what is done by rule, and what they can look up."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop

from workfloor.ui.places import Place

PLAYBOOKS = Place(gettext_noop("Playbooks"), "book", "playbooks:playbooks", "playbooks.read", rank=43)


class PlaybooksConfig(AppConfig):
    name = "workfloor.ops.channels.playbooks"
    label = "playbooks"
    places = (PLAYBOOKS,)
