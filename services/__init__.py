"""The services: message-queue stages, a gateway, a console and a load generator."""
