#!/usr/bin/env python3
"""Writes the bill of materials of a static program, as CycloneDX JSON, to standard output.

Usage: sbom.py --arch ARCH --version VERSION --program FILE --map LINKER_MAP RECIPE...

RECIPE is a folder with `sources` (pinned archives) and `component` (name, licence, and what the CPE
calls it). The toolchain's own archives are found in the linker map, hashed, and named with the
version of the Debian package that owns them. Nothing depends on when or where it runs.
"""

import argparse
import hashlib
import json
import pathlib
import re
import subprocess
import sys

# Debian source package -> how a reader knows it.
TOOLCHAIN = {
    "glibc": ("glibc", "LGPL-2.1-or-later", "gnu:glibc"),
    "gcc": ("libstdc++ and libgcc", "GPL-3.0-or-later WITH GCC-exception-3.1", "gnu:gcc"),
    "nlohmann-json3": ("nlohmann-json", "MIT", "json-for-modern-cpp_project:json-for-modern-cpp"),
}


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def hashes(value):
    return [{"alg": "SHA-256", "content": value}]


def component(name, version, licence, vendor_product, **more):
    upstream = re.sub(r"^\d+:|[-+].*$", "", version)
    return {
        "type": "library", "bom-ref": f"{name}@{version}".replace(" ", "-"), "name": name,
        "version": version, "licenses": [{"expression": licence}],
        "cpe": f"cpe:2.3:a:{vendor_product}:{upstream}:*:*:*:*:*:*:*", **more}


def recipe_component(recipe):
    """A library that third_party builds: its archives and our patches, each with its sum."""
    fields = dict(line.split(": ", 1)
                  for line in (recipe / "component").read_text().splitlines() if line)
    archives = [line.split() for line in (recipe / "sources").read_text().splitlines() if line]
    names = [path.rsplit("/", 1)[1] for _, path in archives]
    version = re.search(r"_(.+?)\.(orig|debian)\.tar", names[-1])[1]
    debian = f"pkg:deb/debian/{names[0].split('_')[0]}@{version}?arch=source&distro=bookworm"
    made = component(fields["name"], version, fields["licence"], fields["cpe"])
    if len(archives) > 1:
        made["purl"] = debian
    else:
        made["purl"] = f"pkg:generic/{fields['name']}@{version}"
    made["externalReferences"] = [
        {"type": "source-distribution", "url": path.rsplit("/", 1)[1], "hashes": hashes(digest)}
        for digest, path in archives]
    patches = sorted(recipe.glob("*.patch"))
    if patches:
        made["pedigree"] = {"notes": "Patched when built: " + ", ".join(
            f"{patch.name} (sha256 {sha256(patch)})" for patch in patches)}
    return made


def owner(path):
    """Debian's package of a file, as (package, version, source package)."""
    found = subprocess.run(["dpkg", "-S", path], check=True, capture_output=True, text=True)
    package = found.stdout.split(": ")[0]
    shown = "${Package}\t${Version}\t${source:Package}"
    query = subprocess.run(["dpkg-query", "-W", "-f", shown, package], check=True,
                           capture_output=True, text=True)
    return tuple(query.stdout.split("\t"))


def toolchain_files(map_path):
    """The archives and start files of the toolchain that the program was linked from, by the map
    of GNU's linker or of lld."""
    text = pathlib.Path(map_path).read_text(errors="replace")
    if text.lstrip().startswith("VMA"):
        found = set(re.findall(r"\s(/\S+?\.(?:a(?=\()|o(?=:\()))", text))
    else:
        found = set(re.findall(r"^LOAD (/\S+\.o)$", text, re.MULTILINE))
        found |= set(re.findall(r"^(/\S+\.a)\(", text, re.MULTILINE))
    real = {str(pathlib.Path(path).resolve()) for path in found}
    return sorted(path for path in real if path.startswith("/usr/"))


def toolchain_components(map_path):
    by_source = {}
    headers = "/usr/include/nlohmann/json.hpp"
    for path in [*toolchain_files(map_path), headers]:
        package, version, source = owner(path)
        source = re.sub(r"^cross-toolchain-base.*", "glibc", source)
        source = re.sub(r"^gcc-\d+.*", "gcc", source)
        entry = by_source.setdefault(source,
                                     {"version": version, "files": [], "from": set()})
        entry["files"].append(path)
        entry["from"].add((package, version))
    for source, entry in sorted(by_source.items()):
        name, licence, cpe = TOOLCHAIN[source]
        packages = sorted(entry["from"])
        yield component(
            name, entry["version"], licence, cpe,
            purl=f"pkg:deb/debian/{packages[0][0]}@{packages[0][1]}?distro=bookworm",
            components=[{"type": "file", "name": pathlib.Path(path).name,
                         "hashes": hashes(sha256(path))} for path in entry["files"]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("arch", "version", "program", "map"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("recipes", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    components = [recipe_component(recipe) for recipe in options.recipes]
    components += toolchain_components(options.map)
    program = {
        "type": "application", "bom-ref": "ecs-task-kite", "name": "ecs-task-kite",
        "version": options.version, "licenses": [{"license": {"id": "Apache-2.0"}}],
        "hashes": hashes(sha256(options.program)),
        "properties": [{"name": "architecture", "value": options.arch}]}
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": program}, "components": components,
        "dependencies": [{"ref": "ecs-task-kite",
                          "dependsOn": [made["bom-ref"] for made in components]}]}
    json.dump(document, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
