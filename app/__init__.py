"""Equiscope: the shell, window and command line."""
