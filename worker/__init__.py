"""The daemon: what happens without anybody asking."""

from importlib.metadata import version

VERSION = version("chairtime")
