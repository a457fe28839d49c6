"""The plugin host: manifests, discovery, and the choice of a reader for a file."""

from core.plugins._host import ENTRY_POINTS, Plugin, PluginHost, user_plugin_folder
from core.plugins._manifest import (
    Analysis,
    Contribution,
    Manifest,
    Model,
    Panel,
    Reader,
    Sample,
    Writer,
    contributions,
    read_manifest,
)

__all__ = [
    "ENTRY_POINTS",
    "Analysis",
    "Contribution",
    "Manifest",
    "Model",
    "Panel",
    "Plugin",
    "PluginHost",
    "Reader",
    "Sample",
    "Writer",
    "contributions",
    "read_manifest",
    "user_plugin_folder",
]
