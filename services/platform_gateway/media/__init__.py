"""Pictures that people upload: read within bounds, made safe, kept, and served."""

from services.platform_gateway.media.serving import add_routes

__all__ = ["add_routes"]
