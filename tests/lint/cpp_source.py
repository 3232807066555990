"""Just enough of C++ for the lint: text without comments and strings, and where functions lie."""

import re
from dataclasses import dataclass

TOKEN = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ )
  | (?P<raw> R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)" )
  | (?P<string> "(?:\\.|[^"\\\n])*" )
  | (?P<char> (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+' )
    """,
    re.VERBOSE | re.DOTALL,
)
TYPE_HEAD = re.compile(r"(^|[\s>;])(class|struct|union|enum)\b[^()=]*$")
NAMESPACE_HEAD = re.compile(r"\bnamespace\b|\bextern\s*\"\"\s*$")


@dataclass
class Comment:
    line: int
    text: str


@dataclass
class Function:
    line: int
    length: int
    name: str


def blank(text):
    """The same number of lines and columns, nothing else left."""
    return re.sub(r"[^\n]", " ", text)


class CppSource:
    """`code` is the text with comments and the inside of literals blanked; lines stay in place."""

    def __init__(self, text):
        self.comments = []
        pieces = []
        end = 0
        for match in TOKEN.finditer(text):
            pieces.append(text[end : match.start()])
            token = match.group()
            if match.lastgroup == "comment":
                self.comments += comment_lines(token, text.count("\n", 0, match.start()) + 1)
                pieces.append(blank(token))
            else:
                pieces.append(token[0] + blank(token[1:-1]) + token[-1])
            end = match.end()
        self.code = "".join(pieces) + text[end:]

    def functions(self):
        return find_functions(without_directives(self.code))


def comment_lines(token, first_line):
    text = token.removesuffix("*/")
    return [Comment(first_line + i, line) for i, line in enumerate(text.split("\n"))]


def without_directives(code):
    """Macro definitions hold braces that balance only where they are used."""
    directive = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)
    return directive.sub(lambda match: blank(match.group()), code)


def find_functions(code):
    """Bodies at namespace or class level; what is nested in a body belongs to it.

    A '{' is judged by the text since the last ';', '{' or '}': a parameter list makes a function.
    The braces of a constructor's member list are taken for the first part of its body.
    """
    functions = []
    scopes = []  # (kind, line of its head, name)
    head_start = 0
    carried = None  # a constructor whose member initialiser in braces has just been closed
    for match in re.finditer(r"[;{}]", code):
        head = code[head_start : match.start()]
        line = code.count("\n", 0, match.start()) + 1
        if match.group() == "{":
            inside = bool(scopes) and scopes[-1][0] in ("function", "block")
            if carried and head.strip()[:1] in ("", ",") and not inside:
                scopes.append(carried)
            else:
                first_line = code.count("\n", 0, head_start + len(head) - len(head.lstrip())) + 1
                scopes.append((kind_of(head, inside), first_line, name_of(head)))
            carried = None
        elif match.group() == "}" and scopes:
            kind, first_line, name = scopes.pop()
            carried = None
            if kind == "function":
                if functions and functions[-1].line == first_line:
                    functions.pop()
                functions.append(Function(first_line, line - first_line + 1, name))
                carried = (kind, first_line, name)
        else:
            carried = None
        head_start = match.end()
    return functions


def kind_of(head, inside_function):
    if inside_function:
        return "block"
    if NAMESPACE_HEAD.search(head):
        return "namespace"
    if TYPE_HEAD.search(head):
        return "type"
    if "(" in head and not re.search(r"=\s*$", head):
        return "function"
    return "block"


def name_of(head):
    match = re.search(r"([\w:~]+)\s*\(", head)
    return match.group(1) if match else head.strip()[:40]
