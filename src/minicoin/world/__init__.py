"""The simulated world: virtual time, hosts that run real nodes on disks and clocks of their own, and links between
them. The laboratory and tests stand on it. Everything is drawn from one seed."""
