"""Files that lie, are damaged or mean harm: a fuzzer over every reader, and files made to hurt."""
