"""Print the completion script of a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from callsheet.cli.builtin import BuiltinCommand
from callsheet.cli.completion import matching
from callsheet.cli.main import complete_variable
from callsheet.cli.output import formats as output
from callsheet.errors import UsageError
from callsheet.text import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from callsheet.cli.context import Context


# readline splits words at = and : too and replaces only what follows the last of them.
_BASH = """\
FUNCTION() {
    local IFS=$'\\n' line=${COMP_LINE:0:COMP_POINT} current cut type value
    current=${line##*[[:space:]]}
    cut=${current%"${current##*[=:]}"}
    COMPREPLY=()
    while IFS=, read -r type value; do
        if [[ $type == file ]]; then
            compopt -o filenames 2>/dev/null
            COMPREPLY+=($(compgen -f -- "${current#"$cut"}"))
        elif [[ $type == dir ]]; then
            compopt -o filenames 2>/dev/null
            COMPREPLY+=($(compgen -d -- "${current#"$cut"}"))
        else
            [[ -n $cut && $value == "$cut"* ]] && value=${value#"$cut"}
            COMPREPLY+=("$value")
        fi
    done < <(COMP_WORDS="$line" VARIABLE=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F FUNCTION PROGRAM 2>/dev/null || complete -F FUNCTION PROGRAM
"""
_ZSH = """\
#compdef PROGRAM
FUNCTION() {
    local type value help
    local -a found
    [[ $words[CURRENT] == --*=* ]] && compset -P '*='
    while IFS=$'\\t' read -r type value help; do
        if [[ $type == file ]]; then
            _files
        elif [[ $type == dir ]]; then
            _files -/
        else
            found+=("$value${help:+:$help}")
        fi
    done < <(COMP_WORDS="${(j: :)words[1,CURRENT]}" VARIABLE=zsh_complete $words[1] 2>/dev/null)
    (( $#found )) && _describe -V 'PROGRAM' found
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    FUNCTION "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef FUNCTION PROGRAM
fi
"""
_FISH = """\
function FUNCTION
    set -lx COMP_WORDS (commandline -cp)
    set -lx VARIABLE fish_complete
    for line in (PROGRAM 2>/dev/null)
        set -l part (string split \\t -- $line)
        switch $part[1]
            case file
                __fish_complete_path (commandline -ct)
            case dir
                __fish_complete_directories (commandline -ct)
            case '*'
                printf '%s\\t%s\\n' $part[2] $part[3]
        end
    end
end
complete --no-files --keep-order --command PROGRAM --arguments '(FUNCTION)'
"""
# Where nothing is printed, PowerShell completes files itself.
_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName PROGRAM -ScriptBlock {
    param($word, $ast, $cursor)
    $line = $ast.ToString()
    $end = $cursor - $ast.Extent.StartOffset
    $env:COMP_WORDS = $line.PadRight($end).Substring(0, $end)
    $env:VARIABLE = 'powershell_complete'
    try {
        PROGRAM 2>$null | ForEach-Object {
            $type, $value, $help = $_ -split "`t", 3
            if ($type -eq 'plain') {
                if (-not $help) { $help = $value }
                [System.Management.Automation.CompletionResult]::new(
                    $value, $value, 'ParameterValue', $help)
            }
        }
    } finally {
        Remove-Item Env:COMP_WORDS, Env:VARIABLE -ErrorAction SilentlyContinue
    }
}
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, "powershell": _POWERSHELL}


def script(shell: str, prog: str) -> str:
    """Return the completion script of a shell; raises ``UsageError`` for an unknown shell."""
    if shell not in SCRIPTS:
        hint = did_you_mean(shell, SCRIPTS) or f"there is one for {', '.join(SCRIPTS)}"
        raise UsageError(f"there is no completion for {shell!r}", hint=hint)
    variable = complete_variable(prog)
    text = SCRIPTS[shell].replace("FUNCTION", f"{variable.lower()[:-1]}ion")
    return text.replace("VARIABLE", variable).replace("PROGRAM", prog)


def _completion(context: Context, shell: str, name: str | None, uninstall: bool) -> None:
    """Print the completion script of a shell, or set it up: `completion install`.

    SHELL is bash, zsh, fish or powershell. `install` writes the script to the configuration
    folder of this program (of fish to its own) and a line that reads it to the shell's startup
    file: that of the shell in use, or of the one that follows. --uninstall takes both back.
    """
    if shell != "install":
        if uninstall or name is not None:
            hint = f"{context.prog} completion install {shell}{' --uninstall' if uninstall else ''}"
            raise UsageError("only `install` takes a shell or --uninstall", hint=hint)
        output.write(script(shell, context.prog))
        return
    from callsheet.cli.commands import shell_setup

    name = name or shell_setup.usual_shell(context)
    text = script(name, context.prog)
    if uninstall:
        done = shell_setup.uninstall(context, name)
    else:
        done = [*shell_setup.install(context, name, text), f"a new {name} completes {context.prog}"]
    for line in done:
        output.write(f"{line}\n")


def _shells(ctx: click.Context, param: click.Parameter, prefix: str) -> list[CompletionItem]:
    first = () if param.name == "name" else ("install",)
    return matching((*SCRIPTS, *first), prefix)


completion = BuiltinCommand(
    "completion",
    _completion,
    params=[
        click.Argument(["shell"], metavar="SHELL|install", shell_complete=_shells),
        click.Argument(["name"], metavar="[SHELL]", required=False, shell_complete=_shells),
        click.Option(["--uninstall"], is_flag=True, help="Take back what install wrote"),
    ],
    emits_json=False,
)
