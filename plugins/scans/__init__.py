"""Surfaces and point clouds: their files in, their files out, and samples that need nothing."""
