"""Simulation: what a plan would come to under the rules that route and bill live work."""

from django.apps import AppConfig


class SimulationConfig(AppConfig):
    name = "workfloor.ops.simulation"
    label = "simulation"
