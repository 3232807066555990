"""A certificate authority for one test run, and the certificates it issues, made by openssl."""

import pathlib
import subprocess

NAMES = ("ecs.kite.test", "ec2.kite.test")
RSA = ("-newkey", "rsa:2048")
P256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
P384 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384")
PSS = ("-newkey", "rsa-pss")


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, text=True)


class Authority:
    """Owns: files in `folder`. `bundle` is what a client must trust."""

    def __init__(self, folder, key=RSA):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.bundle = self.folder / "authority.pem"
        self._key = self.folder / "authority.key"
        openssl("req", "-x509", *key, "-nodes", "-keyout", self._key, "-out", self.bundle,
                "-subj", "/CN=Authority of a test", "-days", "3", "-addext",
                "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")

    def issue(self, label, key=RSA, names=NAMES, days=2):
        """(certificate file, key file); `days` below zero: it has expired."""
        request, made, secret = (self.folder / f"{label}.{end}" for end in ("csr", "pem", "key"))
        extensions = self.folder / f"{label}.ext"
        extensions.write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\n")
        openssl("req", *key, "-nodes", "-keyout", secret, "-out", request, "-subj", "/CN=kite test")
        openssl("x509", "-req", "-in", request, "-CA", self.bundle, "-CAkey", self._key,
                "-CAcreateserial", "-days", days, "-sha256", "-extfile", extensions, "-out", made)
        return made, secret
