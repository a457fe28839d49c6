"""Files that ship with the program: icons, themes, samples, small models. No code."""
