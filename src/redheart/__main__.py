"""`python -m redheart` is the command `redheart`, also for `accelerate launch -m redheart train RECIPE`."""

from .cli import main

if __name__ == "__main__":
    main()
