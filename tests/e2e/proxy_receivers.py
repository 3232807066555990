"""Real programs that read the PROXY protocol and say what they were told: nginx and HAProxy."""

import contextlib
import pathlib
import shutil
import socket
import subprocess

from waiting import eventually

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin")
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
NGINX_STREAM = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")

# They say "client-address client-port own-address own-port": HAProxy in answer to a request of
# HTTP/1.0, nginx at once.
HAPROXY_CONFIG = """
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 10s
frontend told
  bind {host}:{port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "{said}"
"""
NGINX_CONFIG = """
load_module {module};
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
stream {{
  server {{
    listen {host}:{port} proxy_protocol;
    return "{said}";
  }}
}}
"""
SAYS = {
    "haproxy": "%[src] %[src_port] %[dst] %[dst_port]",
    "nginx": "$proxy_protocol_addr $proxy_protocol_port "
             "$proxy_protocol_server_addr $proxy_protocol_server_port",
}


def missing(name):
    if name == "haproxy":
        return HAPROXY is None
    return NGINX is None or not NGINX_STREAM.exists()


@contextlib.contextmanager
def receiver(name, host, port, folder):
    """The program, listening at host:port until the end."""
    bracketed = f"[{host}]" if ":" in host else host
    text = HAPROXY_CONFIG if name == "haproxy" else NGINX_CONFIG
    config = folder / f"{name}.conf"
    config.write_text(text.format(host=bracketed, port=port, folder=folder, module=NGINX_STREAM,
                                  said=SAYS[name]))
    command = ([HAPROXY, "-db", "-f", str(config)] if name == "haproxy"
               else [NGINX, "-p", str(folder), "-c", str(config)])
    with open(folder / f"{name}.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        def listens():
            assert process.poll() is None, (folder / f"{name}.log").read_text()
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
                return probe.connect_ex((host, port)) == 0
        eventually(listens, 20, f"{name} listens")
        yield
    finally:
        process.kill()
        process.wait()
