"""Plugins, one folder a subject. A plugin never imports another plugin."""
