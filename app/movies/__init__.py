"""Movies of the views: a turntable, what changes with time, a sweep through the slices.

`plan` says what each frame shows (pure), `maker` has the frames drawn off screen one after another, `encode` writes
them in a thread of its own. Nothing of it holds up the window, and a movie that is cancelled leaves nothing behind.
"""
