"""The picture of who calls whom: computed from the evidence once for all who look at it, and sent as changes of the last one."""
