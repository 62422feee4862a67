"""What listeners said in the blind test of the listening page: means, intervals, a picture."""
