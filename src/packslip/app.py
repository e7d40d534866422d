"""The application factory."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Flask

from packslip import __version__, db, migrating, upgrading
from packslip import all_models as _all_models  # noqa: F401 - migrations and relationships need all
from packslip.accounts import current, mails
from packslip.accounts.routes import (
    confirmation,
    login,
    login_sessions,
    passkey,
    profile,
    recovery,
    register,
    second_factor,
    tokens,
)
from packslip.attestations import current as attestations_current
from packslip.attestations.routes import integrity
from packslip.check.routes import api as check_api
from packslip.check.routes import pages as check_pages
from packslip.config_file import instance_config
from packslip.connecting import engine_options
from packslip.downloads import recorder
from packslip.downloads.routes import statistics
from packslip.errors import SettingsError
from packslip.index import finishing, placed_pages, staged_sweeper
from packslip.index.routes import files, pypi_json, simple, upload_pages, uploads
from packslip.logs import configure_logs
from packslip.mail import sender
from packslip.mirror import client, fetches, given, keeper, news, room
from packslip.mirror import current as current_mirror
from packslip.notes import expiry, watch_mails
from packslip.notes.about import noted_ranges
from packslip.notes.routes import api as notes_api
from packslip.notes.routes import (
    api_comments,
    decisions,
    note_comments,
    note_revisions,
    notes,
    osv,
    package_acts,
    package_notes,
    watches,
    yanks,
)
from packslip.packages import heads
from packslip.packages.routes import settings as package_settings
from packslip.publishers import current as publishers_current
from packslip.publishers.routes import oidc, publishing
from packslip.search.routes import api as search_api
from packslip.search.routes import browse
from packslip.search.routes import pages as search_pages
from packslip.secret_keys import secret_key
from packslip.settings import Settings, load_settings
from packslip.site import second_factor as site_second_factor
from packslip.site import set_up_gate
from packslip.site.routes import (
    account,
    admin,
    appearance,
    feeds,
    health,
    impact,
    mirror,
    mirror_alarms,
    mirror_api,
    note_acts,
    note_editor,
    note_feeds,
    openapi,
    package_pages,
    people,
    removal,
    setup,
    sitemaps,
)
from packslip.site.routes import metrics as site_metrics
from packslip.sso import current as current_sso
from packslip.sso.routes import sso
from packslip.storage.factory import open_storage
from packslip.subscriptions import sender as webhook_sender
from packslip.teams.routes import package_teams, teams
from packslip.web import (
    context,
    cookies,
    errors,
    forgery,
    headers,
    measuring,
    metrics,
    page_urls,
    proxies,
    redirects,
    replica,
    request_ids,
    tracing,
)

BLUEPRINTS = (
    account.blueprint,
    admin.blueprint,
    api_comments.blueprint,
    appearance.blueprint,
    browse.blueprint,
    check_api.blueprint,
    check_pages.blueprint,
    confirmation.blueprint,
    decisions.blueprint,
    feeds.blueprint,
    files.blueprint,
    health.blueprint,
    impact.api_blueprint,
    impact.blueprint,
    login.blueprint,
    login_sessions.blueprint,
    note_acts.blueprint,
    mirror.blueprint,
    mirror_alarms.blueprint,
    mirror_api.blueprint,
    site_metrics.blueprint,
    note_comments.blueprint,
    note_editor.blueprint,
    note_feeds.blueprint,
    note_revisions.blueprint,
    notes.blueprint,
    notes_api.blueprint,
    integrity.blueprint,
    oidc.blueprint,
    openapi.blueprint,
    osv.blueprint,
    package_acts.blueprint,
    package_notes.blueprint,
    package_pages.blueprint,
    package_settings.blueprint,
    package_teams.blueprint,
    passkey.blueprint,
    people.blueprint,
    profile.blueprint,
    publishing.blueprint,
    publishing.account_blueprint,
    pypi_json.blueprint,
    recovery.blueprint,
    register.blueprint,
    removal.blueprint,
    second_factor.blueprint,
    setup.blueprint,
    sitemaps.robots_blueprint,
    search_api.blueprint,
    search_pages.blueprint,
    simple.blueprint,
    sitemaps.blueprint,
    sso.blueprint,
    statistics.blueprint,
    teams.blueprint,
    tokens.blueprint,
    watches.blueprint,
    watches.unsubscribing,
    upload_pages.blueprint,
    uploads.blueprint,
    yanks.blueprint,
)

#: What is read from a replica of the database for visitors, by blueprint.
PAGES_THAT_MAY_LAG = ("browse", "feeds", "search", "site", "sitemaps", "statistics")

#: What writes each kind of mail.
COMPOSERS = {**mails.COMPOSERS, **watch_mails.COMPOSERS}

MIGRATIONS = migrating.FOLDER


def create_app(test_config: Mapping[str, Any] | None = None) -> Flask:
    """Make the application.

    Settings come from the environment, `packslip.toml` and a `config.py` in the data folder; with
    `test_config` that file is not read, and what `test_config` names comes last.

    Raises:
        SettingsError: a setting is wrong, or the data folder cannot be used.
    """
    configure_logs()
    instance = instance_config() if test_config is None else {}
    settings = load_settings(instance=instance, overrides=test_config)
    _make_data_folder(settings)
    app = Flask(
        "packslip",
        instance_path=str(settings.data),
        template_folder="web/templates",
        static_folder="web/static",
    )
    app.config.from_mapping(instance)
    app.config.from_mapping(test_config)
    app.config.from_mapping(
        SECRET_KEY=secret_key(settings),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(
            settings.database_url, settings.database_connections
        ),
    )
    app.jinja_env.globals["version"] = __version__
    app.url_map.strict_slashes = True
    context.attach(
        app, settings, open_storage(settings.storage_url, staging=settings.staging_folder)
    )
    metrics.init_app(app, __version__)
    db.init_app(app)
    upgrading.init_app(app, MIGRATIONS)
    with app.app_context():
        metrics.watch_connections(app, db.db.engine)
    errors.init_app(app)
    request_ids.init_app(app)
    tracing.init_app(app)
    measuring.init_app(app)
    headers.init_app(app)
    cookies.init_app(app)
    set_up_gate.init_app(app)
    forgery.init_app(app)
    current.init_app(app)
    current_sso.init_app(app, settings)
    site_second_factor.init_app(app)
    replica.init_app(app, settings, PAGES_THAT_MAY_LAG)
    redirects.init_app(app)
    page_urls.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    recorder.init_app(app, settings)
    sender.init_app(app, COMPOSERS)
    webhook_sender.init_app(app)
    expiry.init_app(app)
    current_mirror.init_app(app, settings)
    client.init_app(app, f"packslip/{__version__}")
    keeper.init_app(app, news.look_for_news)
    heads.init_app(app, given.choose_release)
    publishers_current.init_app(app, settings)
    attestations_current.init_app(app, settings)
    staged_sweeper.init_app(app)
    fetches.init_app(app, partial(room.keep_within_limit, noted_ranges))
    finishing.init_app(app, settings)
    placed_pages.init_app(app, settings)
    proxies.init_app(app, settings.trusted_proxies)
    return app


def _make_data_folder(settings: Settings) -> None:
    try:
        # Private notes are in it.
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        fault = f"PACKSLIP_DATA: {settings.data} cannot be made: {error.strerror}"
        raise SettingsError([fault]) from error
    if settings.restore_marker.exists():
        raise SettingsError(
            ["A backup was not restored to its end here: run `packslip restore` again"]
        )
