using EveStorage.Linux;
using EveStorage.Testing;
using EveStorage.Zfs;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

/// <summary>A pool over a program that stands in for zfs where a test needs its state to change; the lab has the real one.</summary>
internal sealed class StandIn : IDisposable, IEventSink
{
    private readonly TemporaryDirectory _place = new();

    private StandIn()
    {
        // A link, and no copy: what was just written can't be run while a program that another test starts has it open.
        File.CreateSymbolicLink(_place["zfs"], Path.Combine(AppContext.BaseDirectory, "Fixtures/stand-in/zfs"));
        File.WriteAllText(_place["token"], StreamFeedTests.Token);
    }

    internal ZfsPool Pool { get; private set; } = null!;

    /// <summary>What was told as events.</summary>
    internal List<StorageEvent> Events { get; } = [];

    /// <summary>What it was told of streams, keys and drives.</summary>
    internal async Task<string[]> ToldAsync() => File.Exists(_place["told"]) ? await File.ReadAllLinesAsync(_place["told"]) : [];

    /// <summary>The key by which ZFS has wrapped its own.</summary>
    internal Task<byte[]> WrappedAsync() => File.ReadAllBytesAsync(_place["wrapped"]);

    /// <summary>Lets it carry out that many more commands that change something, and no further one; null for all.</summary>
    internal void CutAfter(int? commands)
    {
        File.Delete(_place["left"]);
        if (commands is int left)
        {
            File.WriteAllText(_place["left"], $"{left}");
        }
    }

    internal static async Task<StandIn> OpenAsync(IKeyProvider? keys = null, KeyName? key = null)
    {
        StandIn standIn = new();
        Command zfs = Command.At(standIn._place["zfs"]);
        PluginServices services = new() { Loggers = NullLoggerFactory.Instance, Time = TimeProvider.System, Events = standIn, Name = "data", Keys = keys };
        OpenZpool open = new(new("data"), new(new ZfsTools(zfs, zfs), "tank"), new(null, Guid.NewGuid(), "data", null, PoolRedundancy.None, key, null), new(2, 3));
        standIn.Pool = await ZfsPool.OpenAsync(open, new() { RunDirectory = standIn._place["run"] }, services, default);
        return standIn;
    }

    /// <summary>Has it say of a dataset that it is mounted; of none when that is null.</summary>
    internal void Mount(string? dataset) => File.WriteAllText(_place["mounted"], dataset ?? "");

    /// <summary>Has it print that of the pool.</summary>
    internal void SetStatus(string json) => File.WriteAllText(_place["status"], json);

    /// <summary>Has no volume lack a key any more.</summary>
    internal void Unlock() => File.WriteAllText(_place["unlocked"], "");

    void IEventSink.Report(StorageEvent storageEvent) => Events.Add(storageEvent);

    public void Dispose() => _place.Dispose();
}
