"""One GAN step, the loop around it, and the states a killed run resumes from."""
