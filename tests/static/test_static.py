"""What the shipped program is: one file, hardened, small, and made of what its bill says."""

import gzip
import hashlib
import json
import re
import subprocess

import pytest
from conftest import ROOT

CA_BUNDLE_BYTES = 220_000
IMAGE_BYTES_MAX = 3_600_000
IMAGE_GZIP_BYTES_MAX = 1_750_000
CA_BUNDLE_GZIP_BYTES = 130_000


def output(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def run(program, runner, *flags):
    return output(*([runner] if runner else []), program, *flags)


@pytest.fixture(scope="module")
def headers(program):
    return output("readelf", "-lW", program)


@pytest.fixture(scope="module")
def dynamic(program):
    return output("readelf", "-dW", program)


@pytest.fixture(scope="module")
def bill(program):
    return json.loads((program.parent / "sbom.cdx.json").read_text())


def test_needs_no_loader_and_no_library(program, headers, dynamic):
    """ldd has two ways to say it; static-pie programs have a dynamic section, which confuses it."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True)
    assert re.search(r"not a dynamic executable|statically linked", said.stdout + said.stderr)
    assert "INTERP" not in headers
    assert "NEEDED" not in dynamic


def test_is_position_independent(headers, dynamic):
    assert "Elf file type is DYN" in headers
    assert re.search(r"FLAGS_1.*PIE", dynamic)
    assert "TEXTREL" not in dynamic


def test_what_is_relocated_becomes_read_only(headers, dynamic):
    assert "GNU_RELRO" in headers
    assert re.search(r"FLAGS.*NOW", dynamic)


def test_nothing_is_writable_and_executable(headers):
    *_, flags, _ = re.search(r"GNU_STACK.*", headers)[0].split()  # the last: how it is aligned
    assert flags == "RW"
    assert not re.search(r" RWE ", headers)


def test_is_stripped(program):
    assert ".symtab" not in output("readelf", "-SW", program)


def test_size(program):
    """Docker's layers are gzip; so is what a registry keeps."""
    image = program.read_bytes()
    packed = len(gzip.compress(image, 9, mtime=0))
    print(f"\n{len(image)} bytes, {packed} compressed")
    assert len(image) + CA_BUNDLE_BYTES <= IMAGE_BYTES_MAX
    assert packed + CA_BUNDLE_GZIP_BYTES <= IMAGE_GZIP_BYTES_MAX


def test_the_unit_tests_pass_with_these_libraries(program, runner):
    """make static-test-programs; for a cross-built program, under the emulator."""
    tests = program.parent / "unit-tests"
    assert tests.exists(), "make static-test-programs"
    # An emulator has threads of its own, and lets nothing be filtered.
    without = ["-tce=*no second thread*,sandbox: *"] if runner else []
    run(tests, runner, *without)


def test_the_version_command_and_the_bill_agree(program, runner, bill):
    first, *lines = run(program, runner, "-version").splitlines()
    said = dict(line.split(": ", 1) for line in lines)
    assert first == f"ecs-task-kite {bill['metadata']['component']['version']}"
    assert f"g++ {said['libstdc++ and libgcc']}" in said.pop("build")
    billed = {made["name"]: re.split(r"[-+]", made["version"])[0] for made in bill["components"]}
    assert said == billed


def test_the_notices_of_what_is_linked_in_travel_with_it(program, headers):
    section = re.search(r"\] \.licences +\S+ +\S+ (\S+) (\S+)",
                        output("readelf", "--wide", "--sections", program))
    offset, size = (int(text, 16) for text in section.groups())
    notices = gzip.decompress(program.read_bytes()[offset:offset + size]).decode()
    for words in ("==== openssl", "Daniel Stenberg", "Massachusetts Institute of Technology",
                  "Expat maintainers", "Niels Lohmann", "Apache License", "GNU LESSER GENERAL"):
        assert words in notices
    loaded = headers.split("Section to Segment mapping")[1]
    assert ".licences" not in loaded, "they must not take memory"


def test_the_bill_is_of_this_program(program, bill):
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert bill["bomFormat"] == "CycloneDX"


def test_the_bill_names_every_pinned_archive(bill):
    billed = {digest["content"] for made in bill["components"]
              for source in made.get("externalReferences", []) for digest in source["hashes"]}
    pinned = {line.split()[0] for path in ROOT.glob("third_party/*/sources")
              for line in path.read_text().splitlines()}
    assert billed == pinned and pinned


def test_every_library_of_the_bill_has_a_checksum(bill):
    for made in bill["components"]:
        parts = made.get("externalReferences", []) + made.get("components", [])
        assert parts, made["name"]
        for part in parts:
            assert re.fullmatch(r"[0-9a-f]{64}", part["hashes"][0]["content"])
