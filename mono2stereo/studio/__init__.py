"""A page on loopback to hear, set and save a conversion: server, its workers, and the page's assets."""
