"""`python -m streamalert_apps` and the console script `sa-apps`."""


def main() -> None:
    """Run the command line."""
    from streamalert_apps.cli.app import start  # noqa: PLC0415 (the import is the start-up time)

    start()


if __name__ == "__main__":
    main()
