using System.CommandLine;
using EveStorage.Cli;
using EveStorage.Host.Cli;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class HelpTests
{
    private static readonly string[] s_promised =
    [
        "plugin list", "plugin check", "profile list", "profile show", "profile check", "device list",
        "pool create", "pool list", "pool status", "pool delete", "pool forget", "pool add", "pool replace", "pool remove", "pool scrub", "pool trim", "pool offline", "pool online", "pool lock", "pool unlock", "pool rekey",
        "key create", "key list", "key delete",
        "fs create", "fs list", "fs show", "fs set", "fs grow", "fs delete", "fs mount", "fs unmount",
        "volume create", "volume list", "volume show", "volume resize", "volume snapshot", "volume clone", "volume rollback", "volume delete",
        "image inspect", "image import", "image save", "export add", "export set", "export list", "export remove",
        "apply", "metrics", "operation list", "operation show", "operation cancel", "events", "doctor", "try", "serve", "completion", "man",
    ];

    public static TheoryData<string> Verbs { get; } = [.. ManualPage.Verbs(CommandTree.Build(), "").Select(verb => verb.Words)];

    [Fact]
    public void Every_promised_verb_is_there()
        => s_promised.Except(ManualPage.Verbs(CommandTree.Build(), "").Select(verb => verb.Words)).ShouldBeEmpty();

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_verb_explains_itself(string words)
    {
        Command verb = ManualPage.Verbs(CommandTree.Build(), "").Single(verb => verb.Words == words).Verb;

        Ended ended = await CommandLineHost.RunProgramAsync(CommandLineHost.Program, [.. words.Split(' '), "--help"]);

        ended.Code.ShouldBe(0);
        ended.Error.ShouldBeEmpty();
        ended.Output.ShouldContain($"evestorage {words}");
        ended.Output.ShouldContain("Exit codes:");
        verb.Arguments.Where(argument => argument.Description is not { Length: > 0 }).ShouldBeEmpty();
        verb.Options.Where(option => option.Description is not { Length: > 0 }).ShouldBeEmpty();
        if (verb.Arguments.Count > 0 && words.Split(' ')[0] is "volume" or "image" or "export")
        {
            (verb.Description!.Contains("Example", StringComparison.Ordinal) || words.EndsWith("list", StringComparison.Ordinal) || words.EndsWith("show", StringComparison.Ordinal))
                .ShouldBeTrue("it shows an example");
        }
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task A_wrong_option_of_any_verb_is_one_line_and_exit_code_2(string words)
    {
        Ended ended = await CommandLineHost.RunProgramAsync(CommandLineHost.Program, [.. words.Split(' '), "--no-such-option"]);

        ended.Code.ShouldBe(2);
        ended.Output.ShouldBeEmpty();
        ended.Error.TrimEnd('\n').Split('\n').Length.ShouldBe(1);
        ended.Error.ShouldContain($"see `evestorage {words} --help`");
    }

    [Theory]
    [InlineData("volum list", "did you mean 'volume'")]
    [InlineData("volume lst", "did you mean 'list'")]
    [InlineData("bogus", "there are apply, completion, device")]
    [InlineData("volume bogus", "there are clone, create")]
    [InlineData("volume", "a verb is missing; there are clone, create")]
    [InlineData("volume create vm1 ten --json", "{\"error\":{\"kind\":\"invalid-configuration\"")]
    [InlineData("export add vm1 --host foo", "'foo' is not an NQN")]
    [InlineData("plugin list --profile none.json", "there is no such file")]
    [InlineData("volume create vm1 ten", "'ten' is not a size")]
    [InlineData("volume create VM/x 10GiB", "'VM/x' is not a volume")]
    [InlineData("volume rollback vm1", "is not a snapshot")]
    [InlineData("volume create vm1", "SIZE")]
    [InlineData("export add", "[POOL/]NAME")]
    [InlineData("completion tcsh", "'bash'")]
    [InlineData("image inspect /no/such/image.qcow2", "/no/such/image.qcow2")]
    [InlineData("try /no/such/image.qcow2 --once", "/no/such/image.qcow2")]
    [InlineData("plugin list --profile nonesuch", "is no profile")]
    public async Task A_wrong_argument_is_one_useful_line(string arguments, string says)
    {
        Ended ended = await CommandLineHost.RunProgramAsync(CommandLineHost.Program, arguments.Split(' '));

        ended.Code.ShouldBe(2, ended.Error);
        ended.Error.TrimEnd('\n').Split('\n').Length.ShouldBe(1, ended.Error);
        ended.Error.ShouldContain(says);
    }

    [Fact]
    public async Task The_packaged_manual_page_is_the_command_trees()
    {
        Ended printed = await CommandLineHost.RunProgramAsync(CommandLineHost.Program, ["man"]);

        printed.Output.ShouldBe(
            await File.ReadAllTextAsync(RepositoryFiles.Path("packaging/evestorage.1"), TestContext.Current.CancellationToken),
            "run `dotnet run --project src/Host -- man > packaging/evestorage.1`");
    }

    [Fact]
    public async Task A_shell_is_told_what_can_follow()
    {
        string typed = "evestorage volume sn";

        Ended completed = await CommandLineHost.RunProgramAsync(CommandLineHost.Program, [$"[suggest:{typed.Length}]", typed]);

        completed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldBe(["snapshot"]);
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Each_shell_gets_a_script(string shell)
    {
        Ended script = await CommandLineHost.RunProgramAsync(CommandLineHost.Program, ["completion", shell]);

        script.Code.ShouldBe(0);
        script.Output.ShouldContain("[suggest:");
    }
}
