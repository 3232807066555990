"""Provokes every rule on a small tree of its own, and shows that good code stays unblamed."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).with_name("check.py")
RULES = Path(__file__).with_name("include_rules.txt")
HEADER = "#pragma once\n"


class Tree:
    def __init__(self, root):
        self.root = root
        self.write("tests/lint/include_rules.txt", RULES.read_text())

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return self

    def lint(self, *options):
        command = [sys.executable, str(CHECK), "--root", str(self.root), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == ""
        *findings, last = done.stdout.splitlines()
        self.passed, self.failed = (int(part.split()[0]) for part in last.split(", "))
        assert last == f"{self.passed} passed, {self.failed} failed"
        assert done.returncode == (1 if self.failed else 0)
        assert bool(findings) == bool(self.failed)
        return findings

    def blamed(self, *options):
        """`path:line: rule` of every finding."""
        return [": ".join(finding.split(": ")[:2]) for finding in self.lint(*options)]


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_good_code_is_not_blamed(tree):
    tree.write("src/sys/a.h", HEADER + '#include <sys/socket.h>\n#include <vector>\nint a();\n')
    tree.write(
        "src/sys/a.cc",
        '#include "sys/a.h"\n\n#include <unistd.h>\n\n// TODO(perf): try fewer calls\n'
        'int a() {\n  return 1\'000;  // never throw; sleep(1) would block\n}\n'
        'const char* kText = "throw strerror(1); // TODO";\n',
    )
    tree.write("tests/sys/a_test.cc", '#include "sys/a.h"\n\n#include <doctest/doctest.h>\n')
    tree.write("tests/tool.py", "# TODO(someday): more\nTEXT = '# TODO'\n")
    assert tree.lint() == []
    assert tree.passed > 20


def test_the_tree_of_the_project_itself_can_be_read(tree):
    """An empty tree has one check left: that its folders form no cycle."""
    assert tree.lint() == []
    assert tree.passed == 1


@pytest.mark.parametrize("path", ["src/sys/a.cc", "tests/a.cc", "tests/a.py", "examples/x/a.py"])
def test_long_lines(tree, path):
    tree.write(path, "\n" + ("# " if path.endswith("py") else "// ") + "x" * 100)
    assert tree.blamed() == [f"{path}:2: line-length"]
    tree.write(path, "# " + "é" * 98 if path.endswith("py") else "// " + "é" * 97)
    assert tree.blamed() == []


@pytest.mark.parametrize("path", ["src/sys/a.cc", "tests/a.cc", "tests/a.py"])
def test_long_files(tree, path):
    tree.write(path, "\n" * 401)
    assert tree.blamed() == [f"{path}:401: file-length"]
    tree.write(path, "\n" * 400)
    assert tree.blamed() == []


def cpp_function(head, lines, tail="}\n"):
    """A function of so many lines, its head's first and its brace's included."""
    body = lines - head.count("\n") - 2
    return head + " {\n" + "  f();\n" * body + tail


@pytest.mark.parametrize(
    "head",
    [
        "void f()",
        "static std::vector<int> f(int a,\n    int b)",
        "TEST_CASE(\"a { brace in a name\")",
        "extern \"C\" int f(const char* p)",
        "template <typename T>\nauto f(T t) -> decltype(t)",
        "A::A(int a) : a_(a), b_(a)",
        "A::A(int a) : a_{a}, b_{a}",
        "bool operator==(const A& a, const A& b)",
    ],
)
def test_long_functions(tree, head):
    before = "namespace {\nstruct S {\n  int a = 1;\n};\nconst int kA[] = {1, 2};\n}\n"
    tree.write("src/sys/a.cc", before + cpp_function(head, 71))
    assert tree.blamed() == ["src/sys/a.cc:7: function-length"]
    tree.write("src/sys/a.cc", before + cpp_function(head, 70) + cpp_function(head, 70))
    assert tree.blamed() == []


def test_long_functions_in_classes_and_namespaces(tree):
    code = "namespace a {\nclass [[nodiscard]] B final : public C {\n public:\n"
    tree.write("src/sys/a.cc", code + cpp_function("  void f() const override", 71) + "};\n}\n")
    assert tree.blamed() == ["src/sys/a.cc:3: function-length"]


def test_a_lambda_counts_for_the_function_around_it(tree):
    inner = "void f() {\n" + cpp_function("  auto g = [](int a)", 40, "  };\n")
    tree.write("src/sys/a.cc", inner + "  g(1);\n" * 30 + "}\n")
    assert tree.blamed() == ["src/sys/a.cc:1: function-length"]


def test_braces_of_macros_and_texts_do_not_count(tree):
    code = '#define BEGIN(x) \\\n  void x() {\n#define END }\n'
    code += 'const char* kA = "{{{";\nconst char kB = \'{\';\nconst char* kC = R"({{\n{)";\n'
    tree.write("src/sys/a.cc", code + cpp_function("void f()", 60) * 2)
    assert tree.blamed() == []


def test_long_python_functions(tree):
    tree.write("tests/a.py", "class A:\n    def f(self):\n" + "        f()\n" * 70)
    assert tree.blamed() == ["tests/a.py:2: function-length"]
    tree.write("tests/a.py", "class A:\n    def f(self):\n" + "        f()\n" * 69)
    assert tree.blamed() == []


@pytest.mark.parametrize(
    "comment", ["TODO: x", "TODO(me): x", "TODO(soon) x", "TODO(soon):", "FIXME x", "XXX", "HACK"]
)
def test_todos_without_a_kind(tree, comment):
    tree.write("src/sys/a.cc", f"int a;  // {comment}\n/* a\n {comment} */\n")
    tree.write("tests/a.py", f"\n# {comment}\n")
    assert tree.blamed() == [
        "src/sys/a.cc:1: todo-form",
        "src/sys/a.cc:3: todo-form",
        "tests/a.py:2: todo-form",
    ]


@pytest.mark.parametrize("comment", ["@author x", "Author: x", "written by Jo"])
def test_names_of_authors(tree, comment):
    tree.write("src/sys/a.cc", f"// {comment}\n")
    assert tree.blamed() == ["src/sys/a.cc:1: no-author"]
    tree.write("src/sys/a.cc", "// the line is written by the logger\n")
    assert tree.blamed() == []


def test_headers_without_pragma_once(tree):
    tree.write("src/sys/a.h", "#ifndef A\n#define A\n// #pragma once\n#endif\n")
    tree.write("tests/support/b.h", "int b();\n")
    assert tree.blamed() == ["src/sys/a.h:1: pragma-once", "tests/support/b.h:1: pragma-once"]


def test_own_header_first(tree):
    tree.write("src/sys/a.h", HEADER)
    tree.write("src/sys/a.cc", '#include <vector>\n#include "sys/a.h"\n')
    tree.write("tests/sys/a_test.cc", '// "sys/a.h"\n#include <doctest/doctest.h>\n')
    assert tree.blamed() == [
        "src/sys/a.cc:1: own-header-first",
        "tests/sys/a_test.cc:2: own-header-first",
    ]
    tree.write("src/sys/a.cc", "int a;\n")
    tree.write("tests/sys/a_test.cc", '#include "sys/a.h"\n')
    assert tree.blamed() == ["src/sys/a.cc:1: own-header-first"]


@pytest.mark.parametrize(
    "call",
    [
        "sleep(1)",
        "::usleep (1)",
        "nanosleep(&a, 0)",
        "std::this_thread::sleep_for(a)",
        "std::this_thread::sleep_until(a)",
    ],
)
def test_calls_banned_everywhere(tree, call):
    for path in ("src/sys/a.cc", "src/proxy/a.cc", "tests/sys/a.cc", "tests/e2e/traffic/a.cc"):
        tree.write(path, f"\nvoid f() {{ {call}; }}\n")
    assert sorted(tree.blamed()) == [
        "src/proxy/a.cc:2: banned-call",
        "src/sys/a.cc:2: banned-call",
        "tests/e2e/traffic/a.cc:2: banned-call",
        "tests/sys/a.cc:2: banned-call",
    ]


@pytest.mark.parametrize(
    "call",
    [
        "strerror(1)",
        "std::chrono::system_clock::now()",
        "std::thread t(f)",
        "pthread_create(a, b, c, d)",
        'getenv("A")',
        "std::random_device d",
        "std::rand()",
    ],
)
def test_calls_banned_outside_sys(tree, call):
    for path in ("src/sys/a.cc", "src/proxy/a.cc", "tests/sys/a.cc"):
        tree.write(path, f"void f() {{ {call}; }}\n")
    assert tree.blamed() == ["src/proxy/a.cc:1: banned-call"]


@pytest.mark.parametrize("call", ["atoi(a)", "std::sprintf(a, b)", "::getaddrinfo(a, b, c, d)"])
def test_calls_banned_in_all_of_src(tree, call):
    for path in ("src/sys/a.cc", "tests/sys/a.cc"):
        tree.write(path, f"int a = {call};\n")
    assert tree.blamed() == ["src/sys/a.cc:1: banned-call"]


def test_names_that_only_look_banned(tree):
    tree.write("src/aws/a.cc", "void no_sleep(int);\nint sleeping(1);\nint operand(2);\n")
    tree.write("src/http/a.cc", "int grand(1);  // rand(2), getaddrinfo(3)\n")
    assert tree.blamed() == []


@pytest.mark.parametrize("code", ["throw 1;", "try {", "} catch (int) {"])
def test_exceptions(tree, code):
    tree.write("src/aws/a.cc", f"{code}\n")
    tree.write("tests/aws/a.cc", f"{code}\n")
    assert tree.blamed() == ["src/aws/a.cc:1: no-exceptions"]


ALLOWED = [
    ("event", '"sys/x.h"'), ("http", '"event/x.h"'), ("http", '"sys/x.h"'),
    ("http", "<curl/curl.h>"), ("http", "<ares.h>"),
    ("aws", '"http/http_client.h"'), ("aws", "<nlohmann/json.hpp>"),
    ("aws", "<openssl/evp.h>"), ("aws", "<expat.h>"), ("snapshot", '"sys/x.h"'),
    ("discovery", '"aws/x.h"'), ("discovery", '"snapshot/x.h"'), ("proxy", '"snapshot/x.h"'),
    ("proxy", '"event/x.h"'), ("admin", '"proxy/proxy_stats.h"'), ("cli", '"sys/x.h"'),
    ("app", '"proxy/x.h"'), ("app", '"discovery/x.h"'), ("sys", "<sys/x.h>"), ("sys", "<vector>"),
]  # fmt: skip
REFUSED = [
    ("sys", '"event/x.h"'), ("sys", "<curl/curl.h>"), ("event", '"http/x.h"'),
    ("http", '"aws/x.h"'), ("aws", '"http/curl_client.h"'), ("aws", '"event/x.h"'),
    ("aws", "<curl/curl.h>"), ("http", "<openssl/ssl.h>"), ("http", "<nlohmann/json.hpp>"),
    ("snapshot", '"aws/x.h"'), ("discovery", '"http/x.h"'), ("discovery", '"proxy/x.h"'),
    ("discovery", "<nlohmann/json.hpp>"), ("proxy", '"aws/x.h"'), ("proxy", '"http/x.h"'),
    ("proxy", '"discovery/x.h"'), ("admin", '"proxy/proxy.h"'), ("admin", '"aws/x.h"'),
    ("cli", '"event/x.h"'), ("cli", '"proxy/x.h"'), ("app", "<curl/curl.h>"),
    ("app", "<boost/asio.hpp>"), ("sys", "<doctest/doctest.h>"), ("sys", '"x.h"'),
    ("sys", '"../event/x.h"'), ("sys", '"tests/support/x.h"'), ("elsewhere", "<vector>"),
]  # fmt: skip


def includable(tree):
    for folder in ("sys", "event", "http", "aws", "snapshot", "discovery", "proxy"):
        tree.write(f"src/{folder}/x.h", HEADER)
    for path in ("http/http_client", "http/curl_client", "proxy/proxy", "proxy/proxy_stats"):
        tree.write(f"src/{path}.h", HEADER)
    tree.write("tests/support/x.h", HEADER)


@pytest.mark.parametrize("folder,header", ALLOWED)
def test_includes_that_are_allowed(tree, folder, header):
    includable(tree)
    tree.write(f"src/{folder}/a.cc", f"#include {header}\n")
    assert tree.blamed() == []


@pytest.mark.parametrize("folder,header", REFUSED)
def test_includes_that_are_refused(tree, folder, header):
    includable(tree)
    tree.write(f"src/{folder}/a.cc", f"\n# include {header}\n")
    (blame,) = tree.blamed()
    assert blame in (f"src/{folder}/a.cc:2: include-rules", "src/elsewhere/a.cc:1: include-rules")
    tree.write(f"src/{folder}/a.cc", f"// #include {header}\n/*\n#include {header}\n*/\n")
    assert tree.blamed() == ([blame] if folder == "elsewhere" else [])


def test_commands_may_include_more_than_the_rest_of_cli(tree):
    includable(tree)
    tree.write("src/cli/list_command.cc", '#include "discovery/x.h"\n#include "proxy/x.h"\n')
    assert tree.blamed() == ["src/cli/list_command.cc:2: include-rules"]


def test_cycles_between_folders(tree):
    tree.write("tests/lint/include_rules.txt", "folder sys *\nfolder event *\nfolder http *\n")
    tree.write("src/sys/a.h", HEADER + '#include "http/c.h"\n')
    tree.write("src/event/b.h", HEADER + '#include "sys/a.h"\n')
    tree.write("src/http/c.h", HEADER + '\n#include "event/b.h"\n')
    findings = tree.lint()
    assert findings == [
        "src/event/b.h:2: folder-cycle: event -> sys -> http -> event is a cycle: "
        "turn one arrow around"
    ]
    tree.write("src/http/c.h", HEADER)
    assert tree.blamed() == []


def test_an_excuse_names_its_rule_and_its_reason(tree):
    tree.write("src/aws/a.cc", "// lint-allow(banned-call): the tool is a program\nsleep(1);\n")
    assert tree.blamed() == []
    tree.write("src/aws/a.cc", "sleep(1);  // lint-allow(banned-call): the tool is a program\n")
    assert tree.blamed() == []
    for excuse in ("// lint-allow(line-length): x", "// lint-allow(banned-call):", "// x\n"):
        tree.write("src/aws/a.cc", excuse + "\nsleep(1);\n")
        assert len(tree.blamed()) == 1
    tree.write("tests/a.py", "# lint-allow(file-length): a table\n" + "\n" * 400)
    tree.write("src/aws/a.cc", "")
    assert tree.blamed() == []


def test_forbidden_words(tree):
    words = tree.root / "words.txt"
    words.write_text("gizmo\n")
    tree.write("src/sys/a.cc", "int gizmos;\n// a Gizmo here\n")
    assert tree.blamed("--words", str(words)) == ["src/sys/a.cc:2: forbidden-word"]
    assert tree.blamed() == []


def test_a_broken_table_is_told(tree):
    tree.write("tests/lint/include_rules.txt", "folders sys\n")
    command = [sys.executable, str(CHECK), "--root", str(tree.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "include_rules.txt:1" in done.stderr
