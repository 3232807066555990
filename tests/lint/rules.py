"""The rules. Each takes a file and yields (line, what to do); check.py names and counts them."""

import ast
import io
import re
import tokenize

from cpp_source import CppSource

COLUMNS_MAX = 100
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
TODO_FORM = re.compile(r"\bTODO\((soon|someday|perf|port)\): \S")
TODO_ANY = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
AUTHOR = re.compile(r"@author\b|\b[Aa]uthors?:|\b([Ww]ritten|[Cc]reated|[Aa]dded) by [A-Z]")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>]+)>|"([^"]+)")', re.MULTILINE)

# pattern, where it is banned, where it is fine all the same, what to do instead
CALLS = [
    (r"\b(sleep|usleep|nanosleep|clock_nanosleep|sleep_for|sleep_until)\s*\(", "src tests", "",
     "nothing may block: use a Timer, in tests advance the ManualClock"),
    (r"\bstrerror\s*\(", "src", "src/sys", "use sys::errno_text()"),
    (r"\bsystem_clock\b", "src", "src/sys", "take the time from a sys::Clock"),
    (r"\b(std::(jthread|thread|async)|pthread_create)\b", "src", "src/sys",
     "the kite has one thread: use the reactor"),
    (r"\b(getaddrinfo|gethostbyname)\s*\(", "src", "", "it blocks: resolve through src/http"),
    (r"\b(getenv|secure_getenv)\s*\(", "src", "src/sys", "take a sys::Environment"),
    (r"\b(rand|srand|random_device)\b\s*[({]?", "src", "src/sys", "take a sys::Random"),
    (r"\b(sprintf|vsprintf|strcpy|strcat|gets|atoi|atol)\s*\(", "src", "",
     "it has no bound or no error: use snprintf, std::string or from_chars"),
]
EXCEPTIONS = re.compile(r"\b(throw|try|catch)\b")


class SourceFile:
    """One file: `path` from the repository's root, with '/' between folders."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.splitlines()
        self.is_cpp = path.endswith((".h", ".cc"))
        self.is_python = path.endswith(".py")
        self.is_product = path.startswith("src/")
        self.cpp = CppSource(text) if self.is_cpp else None

    @property
    def src_path(self):
        return self.path[len("src/") :]

    def includes(self):
        """(line, name, quoted) of every include that is not commented out."""
        code_lines = self.cpp.code.splitlines()
        for match in INCLUDE.finditer(self.text):
            line = self.text.count("\n", 0, match.start(1) if match[1] else match.start(2)) + 1
            if "include" in code_lines[line - 1]:
                yield line, match[1] or match[2], match[1] is None

    def comments(self):
        """(line, text) of every comment."""
        if self.is_cpp:
            return [(comment.line, comment.text) for comment in self.cpp.comments]
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return [(t.start[0], t.string) for t in tokens if t.type == tokenize.COMMENT]


def code_matches(file, pattern):
    for match in re.finditer(pattern, file.cpp.code):
        yield file.cpp.code.count("\n", 0, match.start()) + 1, match.group()


# --- for every file ---------------------------------------------------------------------------


def line_length(file):
    for number, line in enumerate(file.lines, 1):
        if len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns: break it, the limit is {COLUMNS_MAX}"


def file_length(file):
    if len(file.lines) > FILE_LINES_MAX:
        yield FILE_LINES_MAX + 1, (
            f"{len(file.lines)} lines: move one idea to a file of its own, "
            f"the limit is {FILE_LINES_MAX}"
        )


def function_length(file):
    for line, length, name in cpp_functions(file) if file.is_cpp else python_functions(file):
        if length > FUNCTION_LINES_MAX:
            yield line, (
                f"{name} has {length} lines: take a part with a name of its own out of it, "
                f"the limit is {FUNCTION_LINES_MAX}"
            )


def cpp_functions(file):
    return [(f.line, f.length, f.name) for f in file.cpp.functions()]


def python_functions(file):
    for node in ast.walk(ast.parse(file.text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1, node.name


def todo_form(file):
    for line, text in file.comments():
        if TODO_ANY.search(text) and not TODO_FORM.search(text):
            yield line, "write TODO(kind): what, with kind soon, someday, perf or port"


def no_author(file):
    for line, text in file.comments():
        if AUTHOR.search(text):
            yield line, "leave names out: the history has them"


# --- for C++ ----------------------------------------------------------------------------------


def pragma_once(file):
    if file.path.endswith(".h") and not re.search(
        r"^#pragma once$", file.cpp.code, flags=re.MULTILINE
    ):
        yield 1, "begin the header with #pragma once"


def own_header_first(file, exists):
    """The header shows that it stands alone when nothing was included before it."""
    header = re.sub(r"(_test)?\.cc$", ".h", file.path)
    header = header[len("src/") :] if file.is_product else header[len("tests/") :]
    if not file.path.endswith(".cc") or not exists("src/" + header):
        return
    first = next(((line, name) for line, name, _ in file.includes()), (1, ""))
    if first[1] != header:
        yield first[0], f'include "{header}" before everything else'


def banned_call(file):
    for pattern, where, except_in, remedy in CALLS:
        if file.path.split("/")[0] not in where.split():
            continue
        if except_in and file.path.startswith(except_in + "/"):
            continue
        for line, found in code_matches(file, pattern):
            yield line, f"{found.rstrip(' ({')}: {remedy}"


# --- for src ----------------------------------------------------------------------------------


def no_exceptions(file):
    for line, found in code_matches(file, EXCEPTIONS):
        yield line, f"{found}: return a sys::Result; nothing throws here"


def include_allowed(file, table, exists):
    if table.allowed_of(file.src_path) is None:
        yield 1, "give its folder a line in tests/lint/include_rules.txt"
        return
    for line, name, quoted in file.includes():
        if quoted:
            if not exists("src/" + name):
                yield line, f'"{name}": write the path from src/, as "sys/result.h"'
            elif not table.may_include(file.src_path, name):
                yield line, f'"{name}": include_rules.txt does not let this folder include it'
        elif not table.is_system(name):
            users = table.library_users(name)
            if users is None:
                yield line, f"<{name}>: a new library needs a line in include_rules.txt"
            elif not any(file.src_path.startswith(u + "/") or _is(file, u) for u in users):
                yield line, f"<{name}>: only {' '.join(users) or 'tests'} may include it"


def _is(file, pattern):
    return re.fullmatch(pattern.replace(".*", r"\.\w+"), file.src_path) is not None


def folder_cycles(files):
    """(path, line, what to do) for the include that closes a cycle between folders of src/."""
    graph = {}  # folder -> folder it includes -> (path, line)
    for file in files:
        if not (file.is_product and file.is_cpp and "/" in file.src_path):
            continue
        here = file.src_path.split("/")[0]
        for line, name, quoted in file.includes():
            there = name.split("/")[0]
            if quoted and "/" in name and there != here:
                graph.setdefault(here, {}).setdefault(there, (file.path, line))
    for here in sorted(graph):
        for there, (path, line) in sorted(graph[here].items()):
            back = path_between(graph, there, here)
            if back and here < there:
                yield path, line, f"{' -> '.join([here] + back)} is a cycle: turn one arrow around"


def path_between(graph, start, goal):
    """Folders from start to goal along includes; empty when there is no way."""
    waiting = [[start]]
    seen = {start}
    while waiting:
        way = waiting.pop(0)
        if way[-1] == goal:
            return way
        for following in sorted(graph.get(way[-1], {})):
            if following not in seen:
                seen.add(following)
                waiting.append(way + [following])
    return []
