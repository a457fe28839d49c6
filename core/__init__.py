"""What every part of Equiscope shares: data, documents, symmetry, plugins, analyses, jobs, sessions.

Nothing here imports Qt, VTK, pyqtgraph, `app` or `plugins`; import-linter holds that.
"""

__version__ = "0.1.0"
