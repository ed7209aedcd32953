"""The command reference, docs/cli.md, written from the commands themselves: `python -m cli.reference`."""

import re
from collections.abc import Iterator
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

from typer.core import TyperArgument, TyperGroup

from cli.app import COMMANDS, load
from cli.errors import EXIT_CODES

PATH = Path(__file__).parents[1] / "docs" / "cli.md"


def render() -> str:
    """Return the whole page."""
    head = files("cli").joinpath("reference.md").read_text()
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES.items())
    panels = groupby(COMMANDS.items(), key=lambda item: item[1].panel)
    sections = (part for panel, items in panels for part in _panel(panel, [name for name, _ in items]))
    return head.replace("{exit_codes}", codes) + "".join(sections)


def _panel(title: str, names: list[str]) -> Iterator[str]:
    yield f"\n## {title}\n"
    for name in names:
        for path, command in walk(f"chairtime {name}", load(name)):
            yield _section(path, command)


def walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Yield a command and all below it that can be run, each with what one types."""
    if not isinstance(command, TyperGroup) or command.invoke_without_command:
        yield path, command
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from walk(f"{path} {name}", child)


def _section(path: str, command: Any) -> str:
    own = [param for param in command.params if param.opts[0] not in {"--json", "--workdir", "--help"}]
    typed = " ".join([path, *(_typed(param) for param in own if isinstance(param, TyperArgument))])
    rows = "".join(f"| {_names(param)} | {_escaped(_help(param))} |\n" for param in own if not param.hidden)
    table = f"\n| Argument or option | |\n| --- | --- |\n{rows}" if rows else ""
    return f"\n### `{typed}`\n\n{_markdown(command.help or '')}\n{table}"


def _typed(param: Any) -> str:
    name = _metavar(param)
    many = "..." if param.nargs == -1 else ""
    return f"{name}{many}" if param.required else f"[{name}{many}]"


def _metavar(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _names(param: Any) -> str:
    if isinstance(param, TyperArgument):
        return f"`{_metavar(param)}`"
    names = ", ".join(f"`{name}`" for name in (*param.opts, *param.secondary_opts))
    return f"{names} (required)" if param.required else names


def _help(param: Any) -> str:
    shows = param.show_default is True and param.default not in {None, False} and not callable(param.default)
    return (param.help or "") + (f" Default: {param.default}." if shows else "")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _markdown(text: str) -> str:
    """Turn a help text's paragraphs and rich markup into Markdown."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    joined = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return re.sub(r"\[bold\](.*?)\[/(?:bold)?\]", r"`\1`", joined)


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(render())
