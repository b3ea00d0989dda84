using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What `dotnet new evestorage-backend` makes.</summary>
public sealed class TemplateTests(PackedContract packed)
{
    [Fact]
    public async Task A_new_backend_builds_and_keeps_every_promise_before_a_line_of_it_is_changed()
    {
        using TemporaryDirectory author = new();
        await Shell.DoAsync("dotnet", ["new", "install", Path.Combine(packed.Packages, $"EveStorage.Templates.{PackedContract.Contract}.0.nupkg")], author.Path, packed.Variables);
        await Shell.DoAsync("dotnet", ["new", "evestorage-backend", "--name", "Acme.Shelves", "--output", "made"], author.Path, packed.Variables);
        packed.Copy(author["made"], author["shelves"]);
        await packed.BuildAsync(author["shelves"], "tests");

        Ended kit = await Shell.RunAsync(author["shelves/tests/bin/Debug/net10.0/Acme.Shelves.Tests"], ["-noLogo", "-noColor"], author.Path);
        kit.Code.ShouldBe(0, kit.Output);

        BuiltHost.CopyPlugin(author["shelves/src/bin/Debug/net10.0"], author["plugins/acme.shelves"]);
        Ended check = await Shell.RunAsync(PackedContract.Host, ["plugin", "check", "acme.shelves", "--from", author["plugins"], "--device", author["place"]]);
        check.Code.ShouldBe(0, check.Output + check.Error);
        check.Output.ShouldContain(" 0 broken");
    }
}
