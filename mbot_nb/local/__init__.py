"""What this user has on this machine, and what this process has running.

Modules:

    paths       folders of this user's files
    instances   emulated robots and servers of this user in any process, a small file each
    runtime     what this process has running, in one object that a test can throw away
"""
