using System.Text.Json;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The built <c>evestorage</c> with a profile and a pool of its own, which has a volume in it.</summary>
public sealed class BuiltProgram : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Command _program = Command.At(Path.Combine(BuiltHost.Directory, "evestorage"));

    internal string this[string name] => _directory[name];

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(_directory["test.json"], JsonSerializer.Serialize(new
        {
            State = _directory["state"],
            Run = _directory["run"],
            Plugins = new { Enabled = new[] { "eve.file", "eve.raw", "eve.zfs-stream" } },
            Pools = new { data = new { Kind = "file", Devices = new[] { _directory["pool"] } } },
        }));
        await DoAsync("pool", "create", "data");
        await DoAsync("volume", "create", "data/other", "1MiB");
    }

    public ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Makes a file of a stream.</summary>
    internal string Put(byte[] bytes)
    {
        string path = _directory["volume.zs"];
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>Every name under the pool.</summary>
    internal string Pool() => string.Join('\n', Directory.EnumerateFileSystemEntries(_directory["pool"], "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal));

    /// <summary>Runs a verb that has to succeed; gives back its answer.</summary>
    internal async Task<JsonElement> DoAsync(params string[] arguments)
        => (await _program.RunJsonAsync([.. arguments, "--profile", _directory["test.json"], "--json"], TestContext.Current.CancellationToken)).RootElement;

    /// <summary>Runs a verb that has to be refused; gives back what it said.</summary>
    internal async Task<string> RefusedAsync(params string[] arguments)
        => (await Should.ThrowAsync<CommandException>(() => _program.RunAsync([.. arguments, "--profile", _directory["test.json"]], TestContext.Current.CancellationToken))).Message;
}
