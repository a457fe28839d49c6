"""Graphs: GraphML, edge lists and the text files of many graphs."""
