"""What every queue user relies on."""
