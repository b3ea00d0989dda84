using EveStorage.Host.Plugins;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class PluginFolderTests : IDisposable
{
    private const UnixFileMode Everyone = (UnixFileMode)0b111_111_111;

    private readonly TemporaryDirectory _root = new();
    private readonly string _plugin;

    public PluginFolderTests()
    {
        _plugin = Path.Combine(_root["plugins"], "fixture.yaml-old");
        BuiltHost.CopyPlugin(Path.Combine(BuiltHost.Fixtures, "fixture.yaml-old"), _plugin);
    }

    [Theory]
    [InlineData("plugins")]
    [InlineData("plugins/fixture.yaml-old")]
    [InlineData("plugins/fixture.yaml-old/YamlDotNet.dll")]
    public void What_everyone_may_write_is_refused(string path)
    {
        File.SetUnixFileMode(_root[path], Everyone);

        Reason().ShouldBe($"{_root[path]}: is writable for everyone: chmod o-w");
    }

    [Theory]
    [InlineData("plugins")]
    [InlineData("plugins/fixture.yaml-old")]
    [InlineData("plugins/fixture.yaml-old/YamlDotNet.dll")]
    public async Task What_belongs_to_another_user_is_refused(string path)
    {
        Assert.SkipUnless(FileOwner.Ours == 0, "giving a file away needs root");
        await Command.Find("chown")!.RunAsync(["65534", _root[path]], CancellationToken.None);

        Reason().ShouldBe($"{_root[path]}: belongs to user 65534: chown it to root");
    }

    [Fact]
    public async Task What_another_group_may_write_is_refused_and_not_what_our_own_may()
    {
        Assert.SkipUnless(FileOwner.Ours == 0, "giving a file to a group needs root");
        File.SetUnixFileMode(_plugin, Everyone & ~UnixFileMode.OtherWrite);
        Load(null).Reasons.ShouldBeEmpty();
        await Command.Find("chgrp")!.RunAsync(["65534", _plugin], CancellationToken.None);

        Reason().ShouldBe($"{_plugin}: is writable for group 65534: chmod g-w");
    }

    [Fact]
    public void A_link_is_refused()
    {
        string file = Path.Combine(_plugin, "YamlDotNet.dll");
        File.Move(file, _root["elsewhere.dll"]);
        File.CreateSymbolicLink(file, _root["elsewhere.dll"]);

        Reason().ShouldContain("is a symbolic link");
    }

    [Fact]
    public void A_folder_loads_by_the_hash_that_it_has_and_by_no_other()
    {
        string hash = PluginFolder.HashOf(_plugin);

        Load(hash).Reasons.ShouldBeEmpty();
        Load(new string('0', 64)).Reasons.ShouldHaveSingleItem().ShouldContain($"is pinned to {new string('0', 64)}, and its folder has {hash}");
    }

    [Fact]
    public async Task The_hash_is_what_the_shell_computes()
    {
        string told = await Command.Find("sh")!.RunAsync(
            ["-c", $"cd {_plugin}; find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs sha256sum | sha256sum"], CancellationToken.None);

        told.Split(' ')[0].ShouldBe(PluginFolder.HashOf(_plugin));
    }

    public void Dispose() => _root.Dispose();

    private string Reason() => Load(null).Reasons.ShouldHaveSingleItem();

    private CatalogEntry Load(string? pin) => PluginCatalog.Load(new()
    {
        Directories = [_root["plugins"]],
        Enabled = ["fixture.yaml-old"],
        Pins = pin is null ? [] : new() { ["fixture.yaml-old"] = pin },
    }).Entries.ShouldHaveSingleItem();
}
