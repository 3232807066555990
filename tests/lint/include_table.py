"""include_rules.txt as a value."""

from fnmatch import fnmatchcase


class IncludeTable:
    def __init__(self, text):
        self.folders = []  # (pattern, what it may include)
        self.libraries = []  # (pattern, who may include it)
        self.system = []
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split("#", 1)[0].split()
            if not words:
                continue
            if words[0] == "system":
                self.system += words[1:]
            elif words[0] in ("folder", "library") and len(words) > 1:
                table = self.folders if words[0] == "folder" else self.libraries
                table.append((words[1], words[2:]))
            else:
                raise ValueError(f"include_rules.txt:{number}: no folder, library or system line")

    def allowed_of(self, path):
        """What the file src/<path> may include of src/; None when no line fits it."""
        for pattern, allowed in self.folders:
            if fits(path, pattern):
                return allowed
        return None

    def may_include(self, path, included):
        allowed = self.allowed_of(path)
        if allowed is None:
            return False
        same_folder = "/" in path and path.split("/")[0] == included.split("/")[0]
        return same_folder or any(fits(included, pattern) for pattern in allowed)

    def is_system(self, header):
        plain_cpp = "." not in header and "/" not in header
        return plain_cpp or any(fnmatchcase(header, pattern) for pattern in self.system)

    def library_users(self, header):
        """Who may include this header; None when it is of no known library."""
        for pattern, users in self.libraries:
            if fnmatchcase(header, pattern):
                return users
        return None


def fits(path, pattern):
    """A pattern without '/' that names a folder stands for everything in it."""
    return fnmatchcase(path, pattern) or fnmatchcase(path, pattern + "/*")
