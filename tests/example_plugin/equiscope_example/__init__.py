"""The example of a third-party plugin for Equiscope."""
