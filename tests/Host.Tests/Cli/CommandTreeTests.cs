using System.CommandLine;
using EveStorage.Host.Cli;

namespace EveStorage.Tests;

public sealed class CommandTreeTests
{
    [Theory]
    [InlineData("serve")]
    [InlineData("--profile small serve")]
    [InlineData("serve --profile small")]
    [InlineData("apply site.json")]
    [InlineData("apply site")]
    [InlineData("plugin check eve.file")]
    [InlineData("profile detect --json")]
    [InlineData("pool list")]
    public void Of_what_is_typed_right_one_verb_is_made(string typed)
    {
        RootCommand made = CommandTree.BuildFor(typed.Split(' ')).ShouldNotBeNull();

        ManualPage.Verbs(made, "").ShouldHaveSingleItem().Verb.ShouldBe(made.Parse(typed.Split(' ')).CommandResult.Command);
    }

    [Theory]
    [InlineData("")]
    [InlineData("--help")]
    [InlineData("pool")]
    [InlineData("serv")]
    [InlineData("cliverb")]
    public void For_anything_else_all_are_made(string typed)
        => CommandTree.BuildFor(typed.Split(' ')).ShouldBeNull();
}
