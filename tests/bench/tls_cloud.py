"""A local AWS over TLS whose authority a kite trusts beside all those of Debian's CA bundle."""

import os
import pathlib
import tempfile

import peers  # noqa: F401  puts tests/ on the import path
from fake_aws.client import FakeAws, bridge_task, fault, instance
from static.issued import Authority

CA_BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")


class TlsCloud:
    """Makes one fake AWS for each kite; the certificates are made once. A context manager."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="bench-tls-")
        folder = pathlib.Path(self._folder.name)
        authority = Authority(folder / "authority")
        self._certificate, self._key = authority.issue("aws", names=("localhost",))
        self.bundle = folder / "bundle.pem"
        self.bundle.write_bytes(CA_BUNDLE.read_bytes() + authority.bundle.read_bytes())
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def aws(self):
        return FakeAws(tls_cert=self._certificate, tls_key=self._key)

    def env(self, aws):
        """What a kite needs beside aws.env()."""
        urls = {f"AWS_ENDPOINT_URL_{name.upper()}": url.replace("127.0.0.1", "localhost")
                for name, url in (("ecs", aws.ecs_url), ("ec2", aws.ec2_url))}
        return {**urls, "AWS_CA_BUNDLE": str(self.bundle)}
