"""Points, lines, curves, planes and boxes in the files of 3D Slicer."""
