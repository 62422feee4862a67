"""All processes and devices that train together: who this one is, how all meet, what they do as one."""
