"""Loss terms, each raw and unweighted, and their named weighted sum."""
