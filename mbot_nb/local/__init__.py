"""What this user has on this machine, and what this process has running: folders, running
programs of this package, the process's :class:`~.runtime.Runtime`."""
