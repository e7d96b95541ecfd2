"""What real servers sent: requests and documents, read by `captured`."""
