using System.Globalization;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>An import that ends in the middle: the worker dies, or nobody wants it any more.</summary>
public sealed class EndedImportTests : IAsyncLifetime
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    private readonly TestEngine _host = new();

    public async ValueTask InitializeAsync()
    {
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("other"));
        byte[] piece = new byte[1 << 20];
        Random random = new(5);
        await using FileStream image = File.Create(_host["disk.img"]);
        for (int i = 0; i < 256; i++)
        {
            random.NextBytes(piece);
            await image.WriteAsync(piece, TestContext.Current.CancellationToken);
        }
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_worker_that_is_killed_amid_its_writes_is_an_error_with_a_kind_and_the_pool_is_as_before()
    {
        PoolState before = await PoolState.OfAsync(_host);

        OperationReport report = await ImportAsync(
            (_, worker) => Command.Find("kill").ShouldNotBeNull().RunAsync(["-KILL", $"{worker}"], TestContext.Current.CancellationToken));

        report.State.ShouldBe(OperationState.Failed);
        report.Error.ShouldNotBeNull().Kind.ShouldBe(StorageErrorKind.Io);
        report.Error.Message.ShouldContain("its worker ended with 137");
        (await PoolState.OfAsync(_host)).ShouldBe(before);
    }

    [Fact]
    public async Task A_cancelled_import_is_undone_and_its_worker_gone()
    {
        PoolState before = await PoolState.OfAsync(_host);
        int worker = 0;

        OperationReport report = await ImportAsync((id, process) =>
        {
            worker = process;
            return _host.Api.CancelOperationAsync(id, TestContext.Current.CancellationToken);
        });

        report.State.ShouldBe(OperationState.Cancelled);
        Directory.Exists($"/proc/{worker}").ShouldBeFalse();
        (await PoolState.OfAsync(_host)).ShouldBe(before);
    }

    private async Task<OperationReport> ImportAsync(Func<Guid, int, Task> midway)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        using SafeFileHandle image = File.OpenHandle(_host["disk.img"]);
        Guid id = await _host.Api.SubmitAsync(TestEngine.Import("vm1", "raw"), image, cancellationToken);
        await midway(id, await CopyingWorkerAsync(cancellationToken));
        OperationReport? last = null;
        await foreach (OperationReport report in _host.Api.WatchOperationAsync(id, cancellationToken))
        {
            last = report;
        }

        return last.ShouldNotBeNull();
    }

    // The one that has our image and a volume of ours, of which something is written.
    private async Task<int> CopyingWorkerAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_limit);
        while (true)
        {
            foreach (string process in Directory.EnumerateDirectories("/proc"))
            {
                if (int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                    && id != Environment.ProcessId && DescriptorsOf(process) is string[] files && files.Contains(_host["disk.img"])
                    && Array.Find(files, file => file.StartsWith(_host.PoolPath, StringComparison.Ordinal)) is string volume
                    && BlockFile.Look(volume).Allocated > 0)
                {
                    return id;
                }
            }

            await Task.Delay(1, limit.Token);
        }
    }

    private static string[] DescriptorsOf(string process)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries($"{process}/fd").Select(TargetOf).OfType<string>()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];   // it has ended
        }
    }

    private static string? TargetOf(string link)
    {
        try
        {
            return new FileInfo(link).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;   // it has ended
        }
    }
}
