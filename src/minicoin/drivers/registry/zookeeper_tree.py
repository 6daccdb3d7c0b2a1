"""What stands below one node of ZooKeeper, followed by watches that fire once.

Below the root stand folders of their owners, below those values, and folders with further values: as deep as keys are.
To watch and to read is one call, so that nothing happens in between: whatever fires is read again, and watched by that.
A node's value is read once its length is known, so that nobody's large value costs more than itself.
Each owner has room for what a node writes, so that who leaves more there is told, and takes nobody's place but his own.
"""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.limits import (
    REGISTRY_KEY_CHARACTERS_MAX,
    REGISTRY_KEYS_MAX,
    REGISTRY_NODES_MAX,
    REGISTRY_RECORDS_PER_NODE_MAX,
    REGISTRY_VALUE_BYTES_MAX,
)
from minicoin.drivers.registry.port import RegistryRefused, Watcher
from minicoin.drivers.registry.zookeeper_session import Stat, ZooKeeperSession

_DEPTH_MAX: Final = 3
_NAME: Final = re.compile(r"[!-.0-~]+")
"""ASCII without blanks and slashes."""
_PER_OWNER_MAX: Final = REGISTRY_RECORDS_PER_NODE_MAX + 2
"""Its records, their folder, and its entry."""
_PATHS_MAX: Final = REGISTRY_KEYS_MAX + 2 * REGISTRY_NODES_MAX
"""All values, the folders of their owners and of their records."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """A value as it was read."""

    mark: tuple[int, int]
    is_told: bool


class ZooKeeperTree:
    """Of one watch. `root` is a path without a slash at its end."""

    def __init__(self, root: str, watcher: Watcher) -> None:
        self._root = root
        self._watcher = watcher
        self._values: dict[str, _Standing] = {}
        self._children: dict[str, dict[str, None]] = {}
        """Of each folder, the paths of what stands in it."""
        self._count = 0
        """Of those."""

    async def read_all(self, session: ZooKeeperSession) -> None:
        """Everything, watched anew; only what has changed is told, and then what there is."""
        paths = deque([self._root])
        while paths:
            path = paths.popleft()
            await self._read(session, path)
            paths += self._children.get(path, {})
        self._watcher.on_whole([self._name(path) for path, value in self._values.items() if value.is_told])

    async def read_again(self, session: ZooKeeperSession, changed: Iterable[str]) -> None:
        """What has changed, and what is new below it."""
        # Folders first: what is no more in one is not looked at, which would watch for its return.
        paths = deque(sorted(changed, key=lambda path: path.count("/")))
        while paths:
            path = paths.popleft()
            if path == self._root or self._is_known(path):
                before = self._children.get(path, {})
                await self._read(session, path)
                paths += [child for child in self._children.get(path, {}) if child not in before]

    # --- one node ---

    async def _read(self, session: ZooKeeperSession, path: str) -> None:
        try:
            is_folder = await self._read_value(session, path)
            names = await session.children(path) if is_folder else None
        except RegistryRefused as refusal:
            if path == self._root:
                raise
            self._watcher.on_ignored(str(refusal))
            names = None
        if names is None:
            self._forget_below(path)
        else:
            self._set_children(path, names)

    async def _read_value(self, session: ZooKeeperSession, path: str) -> bool:
        """Whether there may be something below it."""
        depth = path.count("/") - self._root.count("/")
        stat = await session.look(path)
        if stat is None:
            self._miss(path)
            return False
        if depth < 2:
            return True
        if not stat.size:
            self._forget(path)
        elif path not in self._values or self._values[path].mark != stat.mark:
            await self._tell(session, path, stat)
        return not stat.session and depth < _DEPTH_MAX

    async def _tell(self, session: ZooKeeperSession, path: str, stat: Stat) -> None:
        if path not in self._values and len(self._values) >= REGISTRY_KEYS_MAX:
            self._watcher.on_ignored(f"more than {REGISTRY_KEYS_MAX} values below {self._root}")
            return
        value = b""
        if stat.size <= REGISTRY_VALUE_BYTES_MAX:
            found = await session.read(path)
            if found is None:
                # The watch tells of it.
                return
            value, stat = found
        is_good = max(len(value), stat.size) <= REGISTRY_VALUE_BYTES_MAX
        if is_good:
            self._watcher.on_value(self._name(path), value)
        else:
            self._forget(path)
            self._watcher.on_ignored(f"{self._name(path)[:100]}: {stat.size} bytes are too many")
        self._values[path] = _Standing(stat.mark, is_good)

    # --- what is known ---

    def _is_known(self, path: str) -> bool:
        return path in self._children.get(path.rpartition("/")[0], {})

    def _set_children(self, path: str, names: Iterable[str]) -> None:
        before, chosen = self._children.get(path, {}), self._choose(path, names)
        for child in before:
            if child not in chosen:
                self._forget(child)
                self._forget_below(child)
        self._children[path] = chosen
        self._count += len(chosen) - len(before)

    def _choose(self, path: str, names: Iterable[str]) -> dict[str, None]:
        """Those that may be ours, as many as there is room for."""
        good = [f"{path}/{name}" for name in sorted(names) if _NAME.fullmatch(name) and name not in (".", "..")]
        good = [child for child in good if len(self._name(child)) <= REGISTRY_KEY_CHARACTERS_MAX]
        room = REGISTRY_NODES_MAX if path == self._root else self._room_below(path)
        room = min(room, _PATHS_MAX - self._count + len(self._children.get(path, {})))
        if len(good) > room:
            self._watcher.on_ignored(f"{len(good)} nodes in {path} are too many")
        return dict.fromkeys(good[:room])

    def _room_below(self, path: str) -> int:
        """What the owner of this folder has left, with what is in it by now."""
        owner = "/".join(path.split("/")[: self._root.count("/") + 2])
        folders = {owner: None} | self._children.get(owner, {})
        return _PER_OWNER_MAX - sum(len(self._children.get(folder, {})) for folder in folders if folder != path)

    def _miss(self, path: str) -> None:
        """It is no more, and new where its folder names it again."""
        self._forget(path)
        if self._is_known(path):
            del self._children[path.rpartition("/")[0]][path]
            self._count -= 1

    def _forget(self, path: str) -> None:
        value = self._values.pop(path, None)
        if value is not None and value.is_told:
            self._watcher.on_gone(self._name(path))

    def _forget_below(self, path: str) -> None:
        below = self._children.pop(path, {})
        self._count -= len(below)
        for child in below:
            self._forget(child)
            self._forget_below(child)

    def _name(self, path: str) -> str:
        return path.removeprefix(f"{self._root}/")
