import os

os.environ.setdefault(
    "SDL_VIDEODRIVER", "dummy"
)  # read when pygame is imported: no window, no display needed
