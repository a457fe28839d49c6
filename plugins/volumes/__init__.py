"""Grids of voxels: MRI and other volumes, read from and written to the formats of medical imaging."""
