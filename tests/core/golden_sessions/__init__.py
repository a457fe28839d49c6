"""Sessions as every format of the program has written them; `make` adds that of the present format."""
