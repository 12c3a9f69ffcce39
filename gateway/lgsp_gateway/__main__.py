"""`python -m lgsp_gateway` is the `lgsp` command: how its processes start each other."""

from lgsp_gateway.cli.main import main

if __name__ == "__main__":
    main()
