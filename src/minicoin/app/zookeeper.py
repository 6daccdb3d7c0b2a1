"""A registry in ZooKeeper, loaded where one is configured: nobody else needs kazoo."""

from collections.abc import Callable

from minicoin.drivers.registry.port import Registry
from minicoin.drivers.registry.settings import ZooKeeperSettings
from minicoin.drivers.registry.zookeeper import ZooKeeperRegistry
from minicoin.drivers.reports import Report


def make_registry(settings: ZooKeeperSettings, report: Callable[[Report], None]) -> Registry:
    """Raises MisuseError for certificates that cannot be used."""
    return ZooKeeperRegistry(settings, report)
