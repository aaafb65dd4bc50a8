"""What people do with the members of a family: rights, removal, adding, joining and handing over.

Each sends one command, after everything that can be known to be wrong was refused, and reads the family back.
"""
