"""Symmetries of objects: which mirrors map a mesh, a point cloud or a volume onto itself."""
