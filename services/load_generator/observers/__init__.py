"""Who sees what came of an activity: in the database, through the client API, or where answers arrive."""

from services.load_generator.observers.arrivals import ArrivalsObserver
from services.load_generator.observers.database import DatabaseObserver
from services.load_generator.observers.notifications import NotificationsObserver
from services.load_generator.observers.observer import Observer

__all__ = ["ArrivalsObserver", "DatabaseObserver", "NotificationsObserver", "Observer"]
