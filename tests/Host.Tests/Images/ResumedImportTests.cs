using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>Imports that are cut short and go on where they were: what they had copied is not read again, and a volume is whole or not there.</summary>
public sealed class ResumedImportTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Length = 64 << 20;

    // What comes to one of the copy's readers while another waits for what is held back is not told to it: they ask one at a time.
    private const int Ahead = 15 << 20;
    private const long FileLength = 1L << 30;

    // What a server and a network have under way when a connection ends, and a block that was half there.
    private const int Lost = 16 << 20;
    private static readonly TimeSpan s_twoMarks = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(4);

    private readonly TestEngine _host = new(keep: true);
    private ImageServer _server = null!;
    private long _holdAt = long.MaxValue;

    // EVESTORAGE_LONG=1 kills more often.
    private static int Kills { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? 20 : 2;

    public async ValueTask InitializeAsync()
    {
        byte[] image = new byte[Length];
        new Random(11).NextBytes(image);
        _server = await ImageServer.StartAsync(image);
        _server.Sending = (context, at) => at < Interlocked.Read(ref _holdAt) ? Task.CompletedTask : Task.Delay(Timeout.Infinite, context.RequestAborted);
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("other"));
        await _host.EndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Killed_again_and_again_an_import_of_a_file_reads_only_what_was_not_copied()
    {
        WriteFile();
        string[] import = ["image", "import", _host["disk.img"], "data/vm1", "--format", "raw", "--json"];
        long copied = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            using HostProgram program = HostProgram.Start(_host, import);
            if (!Reached(program, copied + 1))
            {
                break;   // this machine had copied it all before
            }

            program.Kill();
            copied = Copied();
            output.WriteLine($"killed with {copied >> 20} MiB copied");
            await RequireKeptAsync();
        }

        copied.ShouldBeGreaterThan(0);
        bool whole = Journaled().Operation.State == OperationState.Succeeded;
        (int code, string said, string error) = whole ? (0, "", "") : await HostProgram.RunAsync(_host, import);

        code.ShouldBe(0, error);
        if (!whole)
        {
            JsonElement results = JsonDocument.Parse(said).RootElement.GetProperty("results");
            copied = Number(results, "resumedAt");
            Number(results, "read").ShouldBeLessThan(FileLength - copied + (1 << 20));
            output.WriteLine($"went on at {copied >> 20} MiB and read {Number(results, "read") >> 20} MiB of {FileLength >> 20}");
        }

        (await SameAsync(File.OpenRead(_host["disk.img"]))).ShouldBeTrue();
    }

    [Fact]
    public async Task Killed_again_and_again_an_import_of_a_URL_fetches_only_what_was_not_copied()
    {
        foreach (int quarter in new[] { 1, 2, 3 })
        {
            await CutAsync(quarter * (Length / 4), static program => program.Kill());
            await RequireKeptAsync();
        }

        Interlocked.Exchange(ref _holdAt, long.MaxValue);
        (int code, string _, string error) = await HostProgram.RunAsync(_host, Import());

        code.ShouldBe(0, error);
        output.WriteLine($"the server has sent {_server.Sent} bytes of {Length}");
        _server.Sent.ShouldBeLessThan(Length + (3 * Lost));
        (await SameAsync(new MemoryStream(_server.Image))).ShouldBeTrue();
        await RequireNothingLeftAsync(["other", "vm1"]);
    }

    [Fact]
    public async Task A_daemon_goes_on_by_itself_with_what_it_fetches()
    {
        await CutAsync(Length / 2, static program => program.Kill());
        Interlocked.Exchange(ref _holdAt, long.MaxValue);

        await _host.StartAsync(serve: true);
        await UntilAsync(() => Journaled().Operation.State == OperationState.Succeeded);
        await _host.EndAsync();

        _server.Sent.ShouldBeLessThan(Length + Lost);
        (await SameAsync(new MemoryStream(_server.Image))).ShouldBeTrue();
    }

    [Fact]
    public async Task A_host_that_is_stopped_leaves_what_was_copied_for_the_next_one()
    {
        await _host.StartAsync();
        Interlocked.Exchange(ref _holdAt, Length / 2);
        await _host.Api.SubmitAsync(Request(), null, TestContext.Current.CancellationToken);
        await UntilAsync(() => Copied() >= (Length / 2) - Ahead);
        await _host.EndAsync();
        Interlocked.Exchange(ref _holdAt, long.MaxValue);

        Journaled().Operation.State.ShouldBe(OperationState.Interrupted);
        OperationReport report = await (await _host.StartAsync()).RunAsync(Request());
        await _host.EndAsync();

        report.State.ShouldBe(OperationState.Succeeded, report.Error?.Message);
        long.Parse(report.Results["resumedAt"], CultureInfo.InvariantCulture).ShouldBeGreaterThan(Length / 4);
        (await SameAsync(new MemoryStream(_server.Image))).ShouldBeTrue();
    }

    [Fact]
    public async Task What_has_changed_since_starts_anew()
    {
        await CutAsync(Length / 2, static program => program.Kill());
        Interlocked.Exchange(ref _holdAt, long.MaxValue);
        new Random(12).NextBytes(_server.Image);
        _server.Tag = "\"two\"";

        (int code, string _, string error) = await HostProgram.RunAsync(_host, Import());

        code.ShouldBe(0, error);
        (await SameAsync(new MemoryStream(_server.Image))).ShouldBeTrue();
        await RequireNothingLeftAsync(["other", "vm1"]);
    }

    [Fact]
    public async Task A_volume_that_was_made_anew_meanwhile_starts_anew()
    {
        await CutAsync(Length / 2, static program => program.Kill());
        await RequireKeptAsync();
        string temporary = Directory.EnumerateDirectories(Path.Combine(_host.PoolPath, "volumes"), "tmp-*").ShouldHaveSingleItem();
        (await HostProgram.RunAsync(_host, "volume", "delete", $"data/{Path.GetFileName(temporary)}", "--yes")).ExitCode.ShouldBe(0);
        Interlocked.Exchange(ref _holdAt, long.MaxValue);

        (int code, string said, string error) = await HostProgram.RunAsync(_host, [.. Import(), "--json"]);

        code.ShouldBe(0, error);
        JsonDocument.Parse(said).RootElement.GetProperty("results").TryGetProperty("resumedAt", out _).ShouldBeFalse();
        (await SameAsync(new MemoryStream(_server.Image))).ShouldBeTrue();
    }

    [Fact]
    public async Task What_is_kept_goes_when_it_is_cancelled_or_its_time_is_over()
    {
        await CutAsync(Length / 2, static program => program.Kill());
        await RequireKeptAsync();
        (await HostProgram.RunAsync(_host, "operation", "cancel", $"{Journaled().Operation.Id}")).ExitCode.ShouldBe(0);
        await RequireNothingLeftAsync(["other"]);

        await CutAsync(Length / 2, static program => program.Kill());
        await RequireKeptAsync();
        await File.WriteAllTextAsync(_host.ProfilePath, (await File.ReadAllTextAsync(_host.ProfilePath, default)).Replace("1.00:00:00", "00:00:00", StringComparison.Ordinal), default);
        await RequireNothingLeftAsync(["other"]);
    }

    private string[] Import() => ["image", "import", _server.Url, "data/vm1", "--format", "raw"];

    private ImportImage Request()
        => new() { Pool = TestEngine.Pool, Volume = new("vm1"), ImageName = "disk.img", Url = _server.Url, Format = "raw" };

    // The server sends up to there and no further; what came by then is marked before it is cut short.
    private async Task CutAsync(int holdAt, Action<HostProgram> cut)
    {
        Interlocked.Exchange(ref _holdAt, holdAt);
        using HostProgram program = HostProgram.Start(_host, Import());
        Reached(program, holdAt - Ahead).ShouldBeTrue();
        long before;
        do
        {
            before = Copied();
            await Task.Delay(s_twoMarks);
        }
        while (Copied() > before);

        cut(program);
        output.WriteLine($"cut short with {Copied() >> 20} MiB copied of {holdAt >> 20} sent");
    }

    // Whether so much was marked before it ended.
    private bool Reached(HostProgram program, long copied)
    {
        long start = Stopwatch.GetTimestamp();
        while (Copied() < copied)
        {
            if (program.HasEnded(TimeSpan.FromMilliseconds(5)))
            {
                return false;
            }

            Stopwatch.GetElapsedTime(start).ShouldBeLessThan(s_limit);
        }

        return true;
    }

    private static async Task UntilAsync(Func<bool> reached)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(s_limit);
        while (!reached())
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private OperationDocument Journaled()
        => Directory.EnumerateFiles(Path.Combine(_host.State, "operations"), "*.json")
            .Select(path => OperationDocument.Read(File.ReadAllBytes(path), path))
            .Where(document => document.Operation.Request is ImportImage)
            .MaxBy(document => document.Operation.Started)
            .ShouldNotBeNull();

    private long Copied()
        => Directory.EnumerateFiles(Path.Combine(_host.State, "operations"), "*.json")
            .Select(path => OperationDocument.Read(File.ReadAllBytes(path), path))
            .Where(document => document.Operation.State == OperationState.Running)
            .Max(document => document.Copied?.Copied.Bytes) ?? 0;

    private async Task RequireKeptAsync()
    {
        await _host.StartAsync();
        (await _host.Api.ListVolumesAsync(null, default)).ShouldHaveSingleItem().Name.ShouldBe(new VolumeName("other"));
        (await _host.Api.DiagnoseAsync(default)).ShouldHaveSingleItem().Message.ShouldContain("are copied and kept until");
        await _host.EndAsync();
        Journaled().Operation.State.ShouldBe(OperationState.Interrupted);
    }

    private async Task RequireNothingLeftAsync(string[] volumes)
    {
        await _host.StartAsync();
        (await _host.Api.ListVolumesAsync(null, default)).Select(volume => $"{volume.Name}").ShouldBe(volumes);
        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
        await _host.EndAsync();
        Directory.EnumerateFileSystemEntries(Path.Combine(_host.PoolPath, "volumes")).Count().ShouldBe(volumes.Length);
    }

    private async Task<bool> SameAsync(Stream image)
    {
        await using Stream wanted = image;
        await using FileStream volume = File.OpenRead(Path.Combine(_host.PoolPath, "volumes/vm1/image"));
        byte[] one = new byte[1 << 20];
        byte[] other = new byte[1 << 20];
        while (await wanted.ReadAtLeastAsync(one, one.Length, throwOnEndOfStream: false) is int read and > 0)
        {
            if (await volume.ReadAtLeastAsync(other.AsMemory(0, read), read, throwOnEndOfStream: false) < read || !one.AsSpan(0, read).SequenceEqual(other.AsSpan(0, read)))
            {
                return false;
            }
        }

        return volume.ReadByte() < 0;
    }

    private static long Number(JsonElement results, string key) => results.GetProperty(key).GetInt64();

    private void WriteFile()
    {
        byte[] piece = new byte[4 << 20];
        Random random = new(7);
        using FileStream file = File.Create(_host["disk.img"]);
        for (long at = 0; at < FileLength; at += piece.Length)
        {
            random.NextBytes(piece);
            file.Write(piece);
        }
    }
}
