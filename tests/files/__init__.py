"""Small sound files of every format that the program reads, made in code: what tests damage, drop and compare."""
