"""Errors that are the user's to mend: one clear line each, exit status 2 from a command. And a warning."""


class InputError(ValueError):
    """A value given by the user is wrong; the message, always one line, names it and says what to do."""

    def __init__(self, message: object):
        super().__init__(" ".join(str(message).split()))


class MissingFileError(InputError, FileNotFoundError):
    """A file that the user has to make or fetch first is not there."""

    def __str__(self) -> str:
        return str(self.args[0])  # FileNotFoundError would print an errno


class FileContentError(InputError):
    """A file is there, but damaged, incomplete or of another kind."""


class TimingWarning(UserWarning):
    """A delay and a refractory time were chosen that bind badly together."""
