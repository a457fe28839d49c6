"""Signals and tables: CSV, NumPy arrays, WAV."""
