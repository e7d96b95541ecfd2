"""A simulated fediverse that puts the whole under load and audits it: `python -m services.load_generator`."""

from services.load_generator.cli import main

if __name__ == "__main__":
    main()
