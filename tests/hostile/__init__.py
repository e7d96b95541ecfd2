"""What an open inbox must withstand, against running services."""
