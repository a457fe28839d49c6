"""Makes the README's pictures from samples and analyses, without a screen."""
