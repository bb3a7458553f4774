"""What a contract would have come to, as Django knows it."""

from django.apps import AppConfig


class BacktestConfig(AppConfig):
    name = "workfloor.ops.backtest"
