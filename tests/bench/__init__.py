"""What a piece of work costs in CPU, by component: `make bench`."""
