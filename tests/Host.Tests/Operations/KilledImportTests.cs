using System.Diagnostics;
using System.Security.Cryptography;
using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>The real program, killed while it imports: at each boundary of its steps, and at moments spread over the time that it takes.</summary>
public sealed class KilledImportTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_least = TimeSpan.FromSeconds(5);

    // A machine that imports this in less than the least time gives fewer moments, and is not filled for more.
    private const long MaxLength = 8L << 30;

    private readonly TestEngine _host = new();

    // EVESTORAGE_LONG=1 kills as often as the product promises.
    private static int Kills { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? 20 : 3;

    public async ValueTask InitializeAsync()
    {
        // The deletion makes the lock's file, which the tests hold to stop an import between its steps.
        await (await _host.StartAsync()).DoAsync(
            new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("other"), TestEngine.Create("gone"), new DeleteVolume { Pool = TestEngine.Pool, Volume = new("gone") });
        await _host.EndAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Killed_at_a_boundary_of_its_steps_it_leaves_a_whole_volume_or_none()
    {
        WriteImage(64 << 20);
        string poolLock = Directory.EnumerateFiles(Path.Combine(_host["run"], "locks"), "pool-????????-*").Single();

        using (FileLock held = FileLock.TryAcquire(poolLock, "the test")!)
        {
            KillImport(operation => operation.Steps.All(step => step.Outcome == StepState.Pending));
        }

        await RequireGoneAsync();
        KillImport(operation => operation.Steps[1].Outcome == StepState.Running);
        await RequireGoneAsync();
        using (HostProgram program = StartImport())
        {
            WaitFor(program, operation => operation.Steps[1].Outcome == StepState.Running);
            using FileLock held = FileLock.TryAcquire(poolLock, "the test")!;
            program.WaitUntil(() => HostProgram.Journaled(_host)!.Steps[1].Outcome == StepState.Changed, s_limit);
            program.Kill();
            Tell("before its last step");
        }

        await RequireGoneAsync();
        using (HostProgram program = StartImport())
        {
            string image = Path.Combine(_host.PoolPath, "volumes/vm1/image");
            program.WaitUntil(() => File.Exists(image), s_limit);
            program.Kill();
            Tell("as soon as its last step has acted");
        }

        await RequireWholeAsync();
    }

    [Fact]
    public async Task Killed_at_moments_spread_over_its_time_it_leaves_nothing_and_works_the_next_time()
    {
        List<(TimeSpan At, ByteSize Written)> course = await MeasureAsync();
        TimeSpan whole = course[^1].At;
        ByteSize all = course[^1].Written;
        TimeSpan firstWrite = course.First(moment => moment.Written.Bytes > 0).At;
        TimeSpan lastWrite = course.First(moment => moment.Written == all).At;
        output.WriteLine($"an import takes {whole.TotalSeconds:0.00} s and writes from {firstWrite.TotalSeconds:0.00} s to {lastWrite.TotalSeconds:0.00} s");
        int outside = Kills / 10;
        int amidWrites = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            // The first and the last few fall before the first write and after the last one.
            TimeSpan at = kill < outside ? firstWrite * ((kill + 1.0) / (outside + 1))
                : kill >= Kills - outside ? lastWrite + ((whole - lastWrite) * ((kill - Kills + outside + 1.0) / (outside + 1)))
                : firstWrite + ((lastWrite - firstWrite) * ((kill - outside + 0.5) / (Kills - (2 * outside))));
            amidWrites += await KillAtAsync(kill, at, course) ? 1 : 0;
        }

        output.WriteLine($"{amidWrites} of {Kills} between the first write and the last");
        amidWrites.ShouldBeGreaterThanOrEqualTo(Kills * 3 / 4);
        using (HostProgram program = StartImport())
        {
            (int exitCode, string _, string error) = await program.EndAsync();
            exitCode.ShouldBe(0, error);
        }

        await RequireWholeAsync();
    }

    // At what the measured import had written by then, since this one may run faster or slower; and where it wrote nothing, at that time.
    private async Task<bool> KillAtAsync(int kill, TimeSpan at, List<(TimeSpan At, ByteSize Written)> course)
    {
        ByteSize all = course[^1].Written;
        ByteSize wanted = course.Last(moment => moment.At <= at).Written;
        ByteSize written;
        using (HostProgram program = StartImport())
        {
            long start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < (wanted.Bytes == 0 || wanted == all ? at : s_limit) && (wanted.Bytes == 0 || wanted == all || Written() < wanted))
            {
                await Task.Delay(1);
            }

            written = Written();
            program.Kill();
            Tell($"kill {kill + 1}, meant for {at.TotalSeconds:0.00} s, at {Stopwatch.GetElapsedTime(start).TotalSeconds:0.00} s with {written.Bytes >> 20} MiB written");
        }

        if (HostProgram.Journaled(_host) is OperationReport { State: OperationState.Succeeded } ended && IsImport(ended))
        {
            await RequireWholeAsync();   // this one was faster and had ended
            (await HostProgram.RunAsync(_host, "volume", "delete", "data/vm1", "--yes")).ExitCode.ShouldBe(0);
        }
        else
        {
            await RequireGoneAsync();
        }

        return written.Bytes > 0 && written < all;
    }

    private async Task<List<(TimeSpan At, ByteSize Written)>> MeasureAsync()
    {
        for (long length = 1L << 30; ; length *= 2)
        {
            WriteImage(length);
            long start = Stopwatch.GetTimestamp();
            List<(TimeSpan At, ByteSize Written)> course = [(TimeSpan.Zero, default)];
            using HostProgram program = StartImport();
            Task ended = program.EndAsync();
            while (!ended.IsCompleted)
            {
                await Task.Delay(5);
                course.Add((Stopwatch.GetElapsedTime(start), Written()));
            }

            await RequireWholeAsync();
            (await HostProgram.RunAsync(_host, "volume", "delete", "data/vm1", "--yes")).ExitCode.ShouldBe(0);
            if (course[^1].At >= s_least || length >= MaxLength)
            {
                return course;
            }
        }
    }

    private HostProgram StartImport() => HostProgram.Start(_host, "image", "import", _host["disk.img"], "data/vm1", "--format", "raw");

    private void KillImport(Func<OperationReport, bool> when)
    {
        using HostProgram program = StartImport();
        WaitFor(program, when);
        program.Kill();
        Tell("killed");
    }

    private void WaitFor(HostProgram program, Func<OperationReport, bool> moment)
        => program.WaitUntil(() => HostProgram.Journaled(_host) is { State: OperationState.Running } operation && IsImport(operation) && moment(operation), s_limit);

    private void Tell(string moment)
        => output.WriteLine($"{moment}: {(HostProgram.Journaled(_host) is { State: OperationState.Running } operation ? HostProgram.Describe(operation) : "nothing is journaled as running")}");

    private static bool IsImport(OperationReport operation) => operation.Request is ImportImage;

    // What the import has of the pool now, under whichever name.
    private ByteSize Written()
    {
        string volumes = Path.Combine(_host.PoolPath, "volumes");
        try
        {
            return new(Directory.EnumerateDirectories(volumes)
                .Where(directory => Path.GetFileName(directory) != "other")
                .Select(directory => Path.Combine(directory, "image"))
                .Where(File.Exists)
                .Sum(image => BlockFile.Look(image).Allocated));
        }
        catch (Exception e) when (e is IOException or StorageException)
        {
            return default;   // it is being renamed
        }
    }

    private async Task RequireGoneAsync()
    {
        await _host.StartAsync();
        (await _host.Api.ListVolumesAsync(null, default)).ShouldHaveSingleItem().Name.ShouldBe(new VolumeName("other"));
        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
        await _host.EndAsync();
        Directory.EnumerateFileSystemEntries(Path.Combine(_host.PoolPath, "volumes")).ShouldHaveSingleItem();
    }

    private async Task RequireWholeAsync()
    {
        await _host.StartAsync();
        (await _host.Api.ListVolumesAsync(null, default)).Select(volume => $"{volume.Name}").ShouldBe(["other", "vm1"]);
        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
        await _host.EndAsync();
        (await HashAsync(Path.Combine(_host.PoolPath, "volumes/vm1/image"))).ShouldBe(await HashAsync(_host["disk.img"]));
    }

    private static async Task<string> HashAsync(string path)
    {
        await using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file));
    }

    // No piece of it is like another, and none is zero.
    private void WriteImage(long length)
    {
        byte[] piece = new byte[4 << 20];
        Random random = new(7);
        using FileStream file = File.Create(_host["disk.img"]);
        for (long at = 0; at < length; at += piece.Length)
        {
            random.NextBytes(piece);
            file.Write(piece);
        }
    }
}
