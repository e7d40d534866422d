"""The server: gunicorn with the settings that Packslip was tried with."""

from __future__ import annotations

import gc
import socket
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from packslip import __version__, db
from packslip.accounts import setup
from packslip.app import create_app
from packslip.downloads.drain import drain
from packslip.downloads.recorder import current_recorder
from packslip.errors import PackslipError
from packslip.index import staged_sweeper
from packslip.index.finishing import current_answers
from packslip.index.placed_pages import begin_pages
from packslip.mail.sender import current_sender
from packslip.mirror.current import current_mirror
from packslip.mirror.fetches import mirror_folder
from packslip.mirror.keeper import current_keeper
from packslip.mirror.parts import sweep_parts
from packslip.notes import expiry
from packslip.serving.worker import AT_ONCE, PatientWorker
from packslip.settings import Settings, note_served_at
from packslip.subscriptions.sender import current_deliverer
from packslip.upgrading import upgrade_schema
from packslip.web import tracing
from packslip.web.context import current_settings, current_storage
from packslip.web.metrics import forget_process, shared_folder

#: Requests that one worker process answers at a time; more wait in its queue. Threads are made when
#: they are needed: so many only if that many clients are slow.
THREADS = 512

#: Connections that one worker process takes at a time, those without a request among them.
CONNECTIONS = 2048

#: Seconds for which requests in flight may go on after SIGTERM.
GRACE = 25


class AddressTakenError(PackslipError):
    """Something else listens on the address."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(
            f"cannot listen on {host} port {port}: {why}. Choose another one with --port."
        )


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        app = create_app()
        with app.app_context():
            # This process may come in place of one that was killed while it received files.
            current_storage().clean_staging()
            current_recorder().start()
            current_sender().start()
            current_deliverer().start()
            expiry.current_sweeper().start()
            staged_sweeper.current_sweeper().start()
            if tracing.is_wanted(current_settings().otel):
                _trace()
            if current_mirror():
                current_keeper().start()
            app.extensions[AT_ONCE] = current_answers()
        _spare_collector()
        return app


def _trace() -> None:
    """Trace in this process, which forks no more."""
    tracing.start(current_settings().otel, __version__)
    tracing.watch_statements(db.db.engine)
    tracing.watch_storage(current_storage())


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes."
)
def serve(host: str, port: int, workers: int) -> None:
    """Bring the database up to date and serve the index."""
    _check_address(host, port)
    settings, set_up_code = _prepare()
    if not settings.base_url:
        note_served_at(_address(host, port))
    click.echo(
        f"Packslip serves {_address(host, port)}/ with its data in {settings.data}", err=True
    )
    if set_up_code is not None:
        _ask_for_set_up(settings.base_url or _address(host, port), set_up_code)
    with shared_folder():
        _Server(_options(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", workers)).run()


def _prepare() -> tuple[Settings, str | None]:
    """The settings, and the code with which the index is to be set up if it is not."""
    with create_app().app_context():
        if tracing.is_wanted(current_settings().otel):
            tracing.require_library()
        upgrade_schema()
        begin_pages()
        _clear_up()
        set_up_code = _set_up_code(current_settings())
        # The workers are forked from this process and must not share its connections.
        db.db.engine.dispose()
        _spare_collector()
        return current_settings(), set_up_code


def _spare_collector() -> None:
    """Have the collector pass over what is there now, which stays for good.

    The first request would otherwise wait while it goes through all of it, and writing down what it
    found would copy memory that processes share.
    """
    gc.freeze()


def _set_up_code(settings: Settings) -> str | None:
    session = db.session()
    try:
        if setup.is_set_up(session):
            setup.remove_code_file(settings.data)
            return None
        with db.write_transaction(session):
            return setup.provide_code(session, settings.data)
    finally:
        session.close()


def _ask_for_set_up(base_url: str, code: str) -> None:
    """Tell the way to the first admin. The code is told nowhere else, least of all in the log."""
    click.echo("Nobody can log in yet. This link makes the first admin, once:", err=True)
    # In the fragment, which browsers send to nobody, proxies and their logs included.
    click.echo(f"{base_url}/setup#code={code}", err=True)


def _clear_up() -> None:
    """Take in or away what processes that were killed left behind on this machine.

    An object store is not asked before the workers are forked: its client does not outlive that.
    """
    drain(db.session(), current_settings().downloads_folder)
    db.session().close()
    current_storage().clean_staging()
    sweep_parts(mirror_folder())


def _address(host: str, port: int) -> str:
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - nobody can be sent to "any address"
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _check_address(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressTakenError(host, port, error.strerror or str(error)) from error


def _options(bind: str, workers: int) -> dict[str, Any]:
    return {
        "bind": bind,
        "workers": workers,
        "worker_class": PatientWorker,
        "threads": THREADS,
        "worker_connections": CONNECTIONS,
        "http_parser": "fast",
        "graceful_timeout": GRACE,
        "keepalive": 15,
        "timeout": 60,
        # Forwarded headers are honoured by PACKSLIP_TRUSTED_PROXIES alone.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        "child_exit": lambda server, worker: forget_process(worker.pid),
        "worker_exit": lambda server, worker: tracing.stop(),
        "control_socket_disable": True,
        "loglevel": "warning",
    }
