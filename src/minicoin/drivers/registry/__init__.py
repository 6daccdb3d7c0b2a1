"""Registries: places outside the network, such as etcd or a shared folder, where the members of a consortium
find each other and leave signed records. A registry carries and decides nothing.

1. Each node writes below its own peer id and nowhere else: one entry that says where it listens, under a lease that it
   renews, and a copy of the records that keys of the network have signed. So an operator can grant each member one
   prefix, and whoever spoils something spoils his own.
2. What others wrote is read, bounded in number, size and pace, and handed to the core as events: addresses like those
   of DNS (who is there, libp2p proves when it is dialled), records like those of a peer (their signatures and versions
   decide; older ones change nothing). What cannot be read is a warning and nothing else.
3. A registry that is gone stops nobody: connections stay, and the last good content is kept with its age, over restarts
   too. After ten minutes there is a warning. Once what was kept is older than the operator allows, nodes that only the
   registry named are no longer dialled; those that this node has met since are dialled however old it is.

`port` says what a registry must do; `file`, `etcd`, `consul` and `zookeeper` do it; `carrier` stands between one of
them and the node. Another kind is another module with the same contract tests.
"""
