"""``python -m loocbench`` is the console script ``loocbench``."""

from loocbench.cli import main

if __name__ == "__main__":
    main()
