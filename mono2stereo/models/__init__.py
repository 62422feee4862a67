"""Networks: the generators, the eight-branch discriminator, their layers, and the export for inference."""
