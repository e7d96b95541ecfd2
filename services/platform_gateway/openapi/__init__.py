"""The client API's own description: an OpenAPI 3.1 document, made from one table of what each route does."""

from services.platform_gateway.openapi.routes import add_routes

__all__ = ["add_routes"]
