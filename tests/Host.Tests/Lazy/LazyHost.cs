using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>A host that serves, with volumes that lie over their images.</summary>
internal sealed class LazyHost : IAsyncDisposable
{
    /// <summary>A copy that is held back: it gets its first piece, and no second one while a test runs.</summary>
    internal const long HeldBack = 1;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(4);

    /// <summary>The engine.</summary>
    internal TestEngine Engine { get; }

    private LazyHost(bool names) => Engine = new(images: names);

    /// <summary>Starts one with a pool.</summary>
    /// <param name="rate">How much of an image is copied in a second.</param>
    /// <param name="before">What comes before the pool.</param>
    /// <param name="names">Whether images may name files of a directory.</param>
    internal static async Task<LazyHost> StartAsync(long rate, Func<TestEngine, Task>? before = null, bool names = true)
    {
        LazyHost host = new(names);
        await (before?.Invoke(host.Engine) ?? Task.CompletedTask);
        host.Engine.LimitLazyCopy(rate);
        await (await host.Engine.StartAsync(serve: true)).DoAsync(new CreatePool { Pool = TestEngine.Pool });
        return host;
    }

    /// <summary>A request for a volume over an image.</summary>
    internal static ImportImage Request(string name = "vm1", string? format = "raw")
        => TestEngine.Import(name, format) with { Verify = false, Lazy = true };

    /// <summary>Makes a file of random bytes, with a hole of a fourth of it in its middle.</summary>
    internal byte[] WriteImage(int length, int seed = 5)
    {
        const int Block = 4096;
        (int hole, int end) = (length / 2 / Block * Block, length / 4 * 3 / Block * Block);
        byte[] disk = new byte[length];
        new Random(seed).NextBytes(disk);
        disk.AsSpan(hole..end).Clear();
        using FileStream file = File.Create(Engine["disk.img"]);
        file.SetLength(length);
        file.Write(disk.AsSpan(0, hole));
        file.Position = end;
        file.Write(disk.AsSpan(end));
        return disk;
    }

    /// <summary>Imports an image that lies in a file.</summary>
    internal async Task<OperationReport> ImportAsync(ImportImage request, string file = "disk.img")
    {
        using SafeFileHandle image = File.OpenHandle(Engine[file]);
        return await Engine.RunAsync(request, image);
    }

    /// <summary>Imports it, exports it, and connects to it.</summary>
    internal async Task<GuestDisk> ConnectAsync(byte[] model, ImportImage? request = null, string file = "disk.img")
    {
        request ??= Request();
        OperationReport report = request.Url is null ? await ImportAsync(request, file) : await Engine.RunAsync(request);
        report.State.ShouldBe(OperationState.Succeeded, report.Error?.Message);
        await Engine.DoAsync(TestEngine.Export($"{request.Volume}"));
        return await ReconnectAsync(model, $"{request.Volume}");
    }

    /// <summary>Connects to what is exported.</summary>
    internal async Task<GuestDisk> ReconnectAsync(byte[] model, string name = "vm1")
        => await GuestDisk.ConnectAsync((await Engine.Api.ListExportsAsync(TestContext.Current.CancellationToken)).Single(export => export.Volume == $"data/{name}"), model);

    /// <summary>Ends it and starts it again, and copies that fast then.</summary>
    internal async Task RestartAsync(long rate)
    {
        await Engine.EndAsync();
        Engine.LimitLazyCopy(rate);
        await Engine.StartAsync(serve: true);
    }

    /// <summary>How far the copy is; null when it is an ordinary volume.</summary>
    internal async Task<LazyReport?> ReportAsync(string name = "vm1")
        => (await Engine.Api.GetVolumeAsync(TestEngine.Pool, new(name), TestContext.Current.CancellationToken)).Image;

    /// <summary>Waits until the copy is as it is said.</summary>
    internal async Task UntilAsync(Func<LazyReport?, bool> reached, string name = "vm1")
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(s_limit);
        while (!reached(await ReportAsync(name)))
        {
            await Task.Delay(10, limit.Token);
        }
    }

    /// <summary>Requires that the copy ends, that the volume holds what it has to, and that nothing else is left.</summary>
    internal async Task RequireOrdinaryAsync(byte[] model, string name = "vm1")
    {
        await UntilAsync(static report => report is null, name);
        while ((await Engine.Api.ListOperationsAsync(TestContext.Current.CancellationToken)).Any(static operation => operation.State.IsUnderWay()))
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);   // the map goes last
        }

        (await Engine.Api.DiagnoseAsync(TestContext.Current.CancellationToken)).ShouldBeEmpty();
        Directory.EnumerateFileSystemEntries(Path.Combine(Engine.PoolPath, "volumes")).Select(Path.GetFileName).ShouldHaveSingleItem().ShouldBe(name);
        byte[] held = await File.ReadAllBytesAsync(Path.Combine(Engine.PoolPath, "volumes", name, "image"), TestContext.Current.CancellationToken);
        int same = held.AsSpan().CommonPrefixLength(model);
        same.ShouldBe(model.Length, $"it differs from {same} on");
    }

    public ValueTask DisposeAsync() => Engine.DisposeAsync();
}
