"""The image: two files, an entry point, labels; and the kite run from its root.

KITE_IMAGE names one that buildah knows, localhost/ecs-task-kite:0.1.0 after `make image`.
"""

import json
import os
import shutil
import subprocess

import issued
import pytest
import tls_front
from e2e.waiting import eventually, free_port
from fake_aws.client import FakeAws, bridge_task, instance
from name_server import NameServer
from scratch_root import CA_PATH, ScratchRoot
from test_https import RESOLVER, Fronts, greeting

IMAGE = os.environ.get("KITE_IMAGE")
UNPACKED_BYTES_MAX, LAYERS_BYTES_MAX = 3_600_000, 1_750_000

pytestmark = [
    pytest.mark.skipif(not IMAGE, reason="KITE_IMAGE names no image: make image"),
    pytest.mark.skipif(shutil.which("buildah") is None, reason="buildah is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting an image needs root"),
]


def buildah(*words):
    return subprocess.run(["buildah", *words], check=True, capture_output=True,
                          text=True).stdout.strip()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A copy of the image's file system."""
    container = buildah("from", "--pull-never", IMAGE)
    try:
        copy = tmp_path_factory.mktemp("image") / "root"
        shutil.copytree(buildah("mount", container), copy, symlinks=True)
    finally:
        buildah("rm", container)
    return copy


@pytest.fixture(scope="module")
def config():
    return json.loads(buildah("inspect", "--type", "image", IMAGE))["OCIv1"]["config"]


def test_holds_the_program_and_the_ca_bundle_and_nothing_else(root):
    files = {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}
    assert files == {"ecs-task-kite", CA_PATH}
    assert not (root / "ecs-task-kite").is_symlink()
    assert os.access(root / "ecs-task-kite", os.X_OK)


def test_is_small(root, tmp_path):
    unpacked = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    # As README.md says; the default level is 3 % larger.
    buildah("push", "--compression-level", "9", IMAGE, f"oci:{tmp_path}/image:test")
    blobs = sum(path.stat().st_size for path in (tmp_path / "image/blobs").rglob("*")
                if path.is_file())
    print(f"\n{unpacked} bytes unpacked, {blobs} bytes compressed with its manifests")
    assert unpacked <= UNPACKED_BYTES_MAX
    assert blobs <= LAYERS_BYTES_MAX


def test_starts_the_program_with_no_shell(config):
    assert config["Entrypoint"] == ["/ecs-task-kite"]
    assert not config.get("Cmd")


def test_says_what_it_is(config, root):
    labels = {name.removeprefix("org.opencontainers.image."): value
              for name, value in config["Labels"].items()}
    assert labels["title"] == "ecs-task-kite"
    assert labels["licenses"] == "Apache-2.0"
    said = subprocess.run([root / "ecs-task-kite", "-version"], check=True, capture_output=True,
                          text=True).stdout
    assert f"ecs-task-kite {labels['version']}\n" in said
    assert len(labels["revision"]) == 40


@pytest.mark.parametrize("user", [0, 65534])
def test_serves_from_its_read_only_root(user, root, tmp_path, backend):
    """HTTPS with a private authority, names from a DNS server, as root and as nobody."""
    authority = issued.Authority(tmp_path / "authority")
    copy = tmp_path / "root"
    shutil.copytree(root, copy)
    shutil.copy(authority.bundle, copy / "private.pem")
    scratch = ScratchRoot(copy, RESOLVER)
    port = free_port()
    with FakeAws() as aws, NameServer(RESOLVER, dict.fromkeys(issued.NAMES, "127.0.0.1")), \
            Fronts(aws, tls_front.context(*authority.issue("leaf"))) as front:
        host = aws.put_instance(instance("127.0.0.2"))
        aws.put_task(bridge_task("default", "web", 7, "app", [(port, backend)], host))
        env = {**aws.env(), "AWS_CA_BUNDLE": "/private.pem",
               "AWS_ENDPOINT_URL_ECS": f"https://ecs.kite.test:{front.port}",
               "AWS_ENDPOINT_URL_EC2": f"https://ec2.kite.test:{front.ec2_port}"}
        kite = scratch.start(["-name=app", "-family=web", "-bind=127.0.0.1"], env, user)
        try:
            eventually(lambda: greeting(port) == b"here\n", 20, "an answer", every=0.05)
            assert kite.threads() == 1
        finally:
            code = kite.end()
        assert code == 0, kite.log()
