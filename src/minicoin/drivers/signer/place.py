"""Where a signer listens: a socket of the file system that nobody but its user can reach.

The socket's directory belongs to the user and is closed to everybody else, the socket itself too: both ends look, and
neither goes on otherwise. Who may open the socket may have everything signed that its record allows.
"""

import os
import socket
import stat
from pathlib import Path
from struct import Struct
from typing import Final

from minicoin.core.faults import MisuseError

SCHEME: Final = "unix:"
# What the kernel takes as a socket's name, with the zero behind it.
_PATH_BYTES_MAX: Final = 107
_OTHERS: Final = 0o077
_CREDENTIALS: Final = Struct("3i")
_BACKLOG: Final = 8


def read_place(text: str) -> Path:
    """`unix:PATH`, as an option has it. Raises MisuseError."""
    if not text.startswith(SCHEME) or not text.removeprefix(SCHEME):
        raise MisuseError(f"--signer {text}: expected {SCHEME}PATH, the socket that `minicoin signer` listens on")
    return check_path(Path(text.removeprefix(SCHEME)).expanduser().absolute())


def check_path(path: Path) -> Path:
    """Raises MisuseError for one that no socket can have."""
    if len(os.fsencode(path)) > _PATH_BYTES_MAX:
        raise MisuseError(f"{path} is too long for a socket: at most {_PATH_BYTES_MAX} bytes")
    return path


def problem_of_directory(path: Path) -> str | None:
    """Why no signer's socket may be in there; None where one may."""
    try:
        found = path.stat()
    except OSError as error:
        return f"cannot look at {path}: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode):
        return f"{path} is no directory"
    return _problem(path, found)


def problem_of_socket(path: Path) -> str | None:
    """Why nothing is asked there; None where the signer may be asked."""
    try:
        found = path.lstat()
    except OSError as error:
        return f"nobody listens at {path}: {error.strerror}"
    if not stat.S_ISSOCK(found.st_mode):
        return f"{path} is no socket"
    return _problem(path, found) or problem_of_directory(path.parent)


def _problem(path: Path, found: os.stat_result) -> str | None:
    if found.st_uid != os.getuid():
        return f"{path} belongs to another user: run the signer and the node as one user"
    if found.st_mode & _OTHERS:
        return f"{path} is open to other users: close it to them (chmod go= {path})"
    return None


def listen_at(path: Path) -> socket.socket:
    """The socket of a signer, where none is listening. Raises MisuseError."""
    check_path(path)
    problem = problem_of_directory(path.parent)
    if problem is not None:
        raise MisuseError(f"--listen {path}: {problem}")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(_OTHERS)
    try:
        if path.is_socket():
            # The lock on the keys' directory says that no signer of theirs runs; another's is not taken away.
            if _answers(path):
                raise MisuseError(f"--listen {path}: another signer listens there")
            path.unlink()
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise MisuseError(f"--listen {path}: {error.strerror or error}") from error
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def user_of(credentials: bytes) -> int:
    """Whose the process at the other end is, by what the kernel says of it (SO_PEERCRED): process, user, group."""
    _, user, _ = _CREDENTIALS.unpack(credentials)
    return int(user)


CREDENTIALS_BYTES: Final = _CREDENTIALS.size
