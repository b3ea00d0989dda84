using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;

namespace EveStorage.Tests;

/// <summary>
/// The corpus of sound images from a server, each with more data than comes between two marks: killed at a random moment once something was
/// marked, and run again. What is fetched is counted.
/// </summary>
public sealed class KilledUrlCorpusTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Grown = 64 << 20;
    private const int Aligned = 2 << 20;   // the largest cluster

    // Tables are gone over before data is copied, and with smaller clusters there is one in each block that is fetched, or nearly.
    private const int FewTables = 16 << 10;

    // What is fetched once more: blocks of 1 MiB with a table in them, or with the end of a piece.
    private const long Slack = 6 << 20;

    // Three marks' worth, so that it is killed before its end.
    private static readonly TimeSpan s_whole = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(4);

    private readonly TestEngine _host = new(images: true, keep: true);
    private readonly Random _random = new(24);
    private ImageServer _server = null!;
    private volatile bool _isSlow;
    private int _measured;

    // EVESTORAGE_LONG=1 takes all of it.
    private static bool IsLong { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    public async ValueTask InitializeAsync()
    {
        _server = await ImageServer.StartAsync();
        _server.Sending = (context, _) => _isSlow ? Task.Delay(s_whole * ImageServer.Step / _server.Image.Length, context.RequestAborted) : Task.CompletedTask;
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool });
        await _host.EndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Each_goes_on_and_fetches_only_what_was_not_copied()
    {
        CorpusImage[] all = [.. new ValidCorpus(_host.Bases).All()];
        (CorpusImage Image, int Number)[] corpus = [.. all.Select((image, number) => (image, number)).Where(one => IsLong || one.number is 17 or 25)];
        byte[] data = new byte[Grown];
        for (int at = 0; at < Grown; at += 512)
        {
            _random.NextBytes(data.AsSpan(at, 256));   // the other half is what may be compressed
        }

        await File.WriteAllBytesAsync(_host["data"], data, TestContext.Current.CancellationToken);
        (int wentOn, _measured) = (0, 0);
        foreach ((CorpusImage image, int number) in corpus)
        {
            wentOn += await KillAsync(image, $"vm{number}") ? 1 : 0;
        }

        output.WriteLine($"{corpus.Length} images of {all.Length}, {wentOn} of them went on");
        wentOn.ShouldBeGreaterThanOrEqualTo(corpus.Length / 2);
        _measured.ShouldBeGreaterThan(0, "none went on behind its tables");
        await _host.StartAsync();
        (await _host.Api.ListVolumesAsync(null, default)).Count.ShouldBe(corpus.Length);
        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
        await _host.EndAsync();
        Directory.EnumerateFileSystemEntries(Path.Combine(_host.PoolPath, "volumes")).Count().ShouldBe(corpus.Length);
    }

    private async Task<bool> KillAsync(CorpusImage image, string volume)
    {
        (string path, string expected) = (_host["disk.qcow2"], _host["expected.raw"]);
        File.Delete(path);
        await image.MakeAsync(path);
        (long grownAt, int clusterSize) = await GrowAsync(path, image);
        string[] snapshot = image.Snapshot is string name ? ["-l", $"snapshot.name={name}"] : [];
        await QemuImages.RunAsync("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", .. snapshot, path, expected]);
        (_server.Image, _server.Tag) = (await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken), $"\"{volume}\"");
        string[] import = ["image", "import", _server.Url, $"data/{volume}", "--format", "qcow2", .. image.Snapshot is string which ? ["--snapshot", which] : Array.Empty<string>()];

        bool measures = image.Snapshot is null && clusterSize >= FewTables;
        KillAfterAMark(import, measures ? grownAt : 0);
        (int code, _, string error) = await HostProgram.RunAsync(_host, import);
        (code == 0 || error.Contains(": exists", StringComparison.Ordinal)).ShouldBeTrue($"{image.Name}: {error}");
        IReadOnlyDictionary<string, string> results = HostProgram.Journaled(_host).ShouldNotBeNull().Results;
        long? from = NumberOf(results, "resumedAt");
        long fetched = NumberOf(results, "fetched") ?? (from is null ? 0 : throw new ShouldAssertException($"{image.Name}: went on, and nobody counted what was fetched"));
        output.WriteLine($"{image.Name}: of {_server.Image.Length >> 10} KiB {fetched >> 10} came the second time, {(from is null ? "from the start" : $"from {from >> 10} KiB of the disk on")}");
        if (measures && from > grownAt)
        {
            long left = (long)(_server.Image.Length * (1 - ((double)(from.Value - grownAt) / Grown)));
            fetched.ShouldBeLessThan(left + Slack, image.Name);
            _measured++;
        }

        await QemuImages.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", Path.Combine(_host.PoolPath, "volumes", volume, "image"), expected);
        return from is not null;
    }

    private static long? NumberOf(IReadOnlyDictionary<string, string> results, string key)
        => results.TryGetValue(key, out string? number) ? long.Parse(number, CultureInfo.InvariantCulture) : null;

    // Behind what it has. A disk of a snapshot stays as it was.
    private async Task<(long At, int ClusterSize)> GrowAsync(string path, CorpusImage image)
    {
        JsonElement told = JsonDocument.Parse(await QemuImages.OutputAsync("qemu-img", "info", "--output", "json", path)).RootElement;
        int clusterSize = told.GetProperty("cluster-size").GetInt32();
        if (image.Snapshot is not null)
        {
            return (long.MaxValue, clusterSize);
        }

        long at = (told.GetProperty("virtual-size").GetInt64() + Aligned - 1) / Aligned * Aligned;
        string packed = image.Name.StartsWith("compressed", StringComparison.Ordinal) ? "-c " : "";
        await QemuImages.RunAsync("qemu-img", "resize", "-q", "-f", "qcow2", path, $"{at + Grown}");
        await QemuImages.WriteAsync(path, $"write {packed}-s {_host["data"]} {at} {Grown}");
        return (at, clusterSize);
    }

    // A mark beyond what lies there: on a busy machine the first comes sooner.
    private void KillAfterAMark(string[] import, long beyond)
    {
        _isSlow = true;
        using HostProgram program = HostProgram.Start(_host, import);
        for (long start = Stopwatch.GetTimestamp(); !program.HasEnded(TimeSpan.FromMilliseconds(20)) && !IsMarked(beyond);)
        {
            Stopwatch.GetElapsedTime(start).ShouldBeLessThan(s_limit);
        }

        program.HasEnded(TimeSpan.FromMilliseconds(_random.Next(2000)));
        program.Kill();
        _isSlow = false;
    }

    private bool IsMarked(long beyond)
        => Directory.EnumerateFiles(Path.Combine(_host.State, "operations"), "*.json")
            .Select(path => OperationDocument.Read(File.ReadAllBytes(path), path))
            .Any(document => document.Operation.State == OperationState.Running && document.Copied?.Copied.Bytes > beyond);
}
