# The application server, the same on a laptop and in production. `manage.py serve` adds the address to listen on;
# in production the socket unit does.
import os
from pathlib import Path

wsgi_app = "sensgene.wsgi:application"
worker_class = "sync"  # a hung request costs one worker until the timeout, and the arbiter sees it
workers = int(os.environ.get("WEB_WORKERS", "2"))
# No reuse_port here: gunicorn would ignore the socket that systemd holds. `manage.py serve` asks for it.
timeout = 30
graceful_timeout = 30
keepalive = 5
max_requests = 5000
max_requests_jitter = 500
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
forwarder_headers = ""  # no header renames the script or the user
forwarded_allow_ips = "127.0.0.1,::1"  # the edge stands on this machine, or on the unix socket
control_socket_disable = True  # nothing of ours asks it, and it would open a file in the user's home
SHARED_MEMORY = "/dev/shm"  # noqa: S108  (heartbeats must not wait for a disk)
worker_tmp_dir = SHARED_MEMORY if Path(SHARED_MEMORY).is_dir() else None
umask = 0o077
accesslog = None  # who looked at which disease page is nobody's business; the edge keeps what the law asks
errorlog = "-"
loglevel = "warning"


def on_starting(server):
    """Its own messages can name an address; the secret of a mailed link must not stand in them."""
    from sensgene.logs import OneLineFilter

    server.log.error_log.addFilter(OneLineFilter())


def post_worker_init(worker):
    """The search's vocabulary is there before the first visitor; without a snapshot there is nothing to load yet."""
    from centres import gazetteer, search
    from sensgene import snapshot

    try:
        search.warm_up()
        gazetteer.warm_up()
    except snapshot.NoSnapshot as missing:
        worker.log.warning("The search is not warmed up: %s", missing)
