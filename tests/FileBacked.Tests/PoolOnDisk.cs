using EveStorage.FileBacked;
using EveStorage.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

/// <summary>A pool in a new directory, made as the host makes it.</summary>
internal sealed class PoolOnDisk : IAsyncDisposable
{
    private readonly string _root;

    private PoolOnDisk(string root, FileBackedOptions options)
    {
        _root = root;
        Options = options;
        Events = new();
        options.Directory ??= System.IO.Path.Combine(root, "data");
    }

    internal static PoolName Name { get; } = new("data");

    internal FileBackedOptions Options { get; }

    internal SeenEvents Events { get; }

    internal TimeProvider Time { get; private init; } = TimeProvider.System;

    internal FilePool Pool { get; private set; } = null!;

    internal string Path => Options.Directory!;

    internal FileBackend Backend => new(Options, new() { Loggers = NullLoggerFactory.Instance, Time = Time, Events = Events, Name = $"{Name}" });

    internal static PoolOnDisk Unmade(string? below = null, FileBackedOptions? options = null, TimeProvider? time = null)
        => new(below is null ? Directory.CreateTempSubdirectory("evestorage-").FullName : Directory.CreateDirectory(System.IO.Path.Combine(below, Guid.NewGuid().ToString("N"))).FullName, options ?? new())
        {
            Time = time ?? TimeProvider.System,
        };

    internal static async Task<PoolOnDisk> MakeAsync(string? below = null, FileBackedOptions? options = null, TimeProvider? time = null)
    {
        PoolOnDisk made = Unmade(below, options, time);
        await RunningPlans.RunAsync(made.PlanCreateAsync(), $"pool:{Name}");
        made.Pool = await made.OpenAsync();
        return made;
    }

    internal ValueTask<Plan> PlanCreateAsync() => Backend.PlanCreatePoolAsync(new() { Name = Name, Devices = [] }, default);

    /// <summary>Another opening of the same pool: like another process.</summary>
    internal async Task<FilePool> OpenAsync() => (FilePool)await Backend.OpenPoolAsync(Name, default);

    internal Task<OperationRequest> CreateAsync(string name, ByteSize? size = null, VolumeTraits traits = VolumeTraits.Thin)
        => RunningPlans.RunAsync(Pool.PlanCreateAsync(new() { Name = new(name), Form = VolumeForm.Block, Size = size ?? ByteSize.MiB(16), Traits = traits }, default), name);

    internal async Task<IBlockSource> BlocksAsync(string name, BlockAccess access = BlockAccess.ReadWrite)
        => await Pool.OpenBlocksAsync(new(name), access, default);

    internal async Task WriteAsync(string name, long offset, byte value, int length = 4096)
    {
        await using IBlockSource blocks = await BlocksAsync(name);
        await blocks.WriteAsync(offset, Enumerable.Repeat(value, length).ToArray(), WriteDurability.Cached, default);
        await blocks.FlushAsync(default);
    }

    internal async Task<byte> ReadAsync(string name, long offset)
    {
        await using IBlockSource blocks = await BlocksAsync(name, BlockAccess.Read);
        byte[] read = new byte[512];
        await blocks.ReadAsync(offset, read, default);
        read.ShouldAllBe(value => value == read[0]);
        return read[0];
    }

    /// <summary>Every file and directory of the pool, with the content of files up to 64 KiB.</summary>
    internal IReadOnlyList<string> Everything()
        => [.. Directory.EnumerateFileSystemEntries(_root, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Where(entry => !entry.EndsWith("/lock", StringComparison.Ordinal))
            .Select(entry => Directory.Exists(entry) ? entry : $"{entry} {new FileInfo(entry).Length} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(entry)))}")];

    public async ValueTask DisposeAsync()
    {
        if (Pool is not null)
        {
            await Pool.DisposeAsync();
        }

        Directory.Delete(_root, recursive: true);
    }
}

/// <summary>Events, as they came.</summary>
internal sealed class SeenEvents : IEventSink
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<StorageEvent> _seen = new();

    internal IReadOnlyList<StorageEvent> Seen => [.. _seen];

    public void Report(StorageEvent storageEvent) => _seen.Enqueue(storageEvent);
}
