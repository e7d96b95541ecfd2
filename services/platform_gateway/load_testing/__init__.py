"""What load testers need of a server: its consent, and in a test-only mode Fedify's benchmark endpoints."""

from aiohttp import web

from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.load_testing import consent, stats, trigger


def add_routes(app: web.Application) -> None:
    """Add what the settings ask for; by default nothing."""
    settings = app[GATEWAY].settings
    if settings.load_test_consent:
        app.router.add_get("/.well-known/heddle/load-consent", consent.answer_challenge)
    if settings.benchmark_mode:
        app.router.add_get("/.well-known/fedify/bench/stats", stats.show)
        app.router.add_post("/.well-known/fedify/bench/trigger", trigger.trigger)
