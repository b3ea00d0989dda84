using System.CommandLine;
using EveStorage.Cli;

namespace EveStorage.Host.Cli.Verbs;

/// <summary>Prints what a shell needs to complete our verbs. It asks this program, by its <c>[suggest]</c> directive, so that it can't be out of date.</summary>
internal sealed class Completion : CliVerb
{
    private static readonly Dictionary<string, string> s_scripts = new()
    {
        ["bash"] = """
            _evestorage() {
              local IFS=$'\n'
              COMPREPLY=($(compgen -W "$(evestorage "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
            }
            complete -o default -F _evestorage evestorage
            """,
        ["zsh"] = """
            #compdef evestorage
            _evestorage() {
              local -a found
              found=("${(@f)$(evestorage "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
              compadd -- $found || _files
            }
            compdef _evestorage evestorage
            """,
        ["fish"] = """
            complete -c evestorage -a '(evestorage "[suggest:"(commandline -C)"]" (commandline -b) 2>/dev/null)'
            """,
    };

    private readonly Argument<string> _shell = new("shell") { Description = "The shell: bash, zsh or fish.", HelpName = "SHELL" };

    public Completion()
        : base(
            "completion",
            "Print what a shell needs to complete verbs and options.\n\nExamples: evestorage completion bash > /usr/share/bash-completion/completions/evestorage\n          evestorage completion zsh > /usr/share/zsh/vendor-completions/_evestorage\n          evestorage completion fish > /usr/share/fish/vendor_completions.d/evestorage.fish")
    {
        _shell.AcceptOnlyFromAmong([.. s_scripts.Keys]);
        Add(_shell);
    }

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        await invocation.Output.WriteLineAsync(s_scripts[invocation.Parsed.GetValue(_shell)!]);
        return ExitCodes.Success;
    }
}
