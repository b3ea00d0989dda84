using EveStorage.Cli.Api;
using EveStorage.Host.Locks;
using EveStorage.Host.Operations;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>
/// The real program, killed inside a step: the test holds the lock that the step waits for, so that it stands between the
/// intent in the journal and the act.
/// </summary>
public sealed class RecoveryTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    private readonly TestEngine _host = new();

    public static TheoryData<string, string> Changes { get; } = new()
    {
        { "volume create data/new 4MiB", "base 4MiB 1, new 4MiB 0" },
        { "volume resize data/base 8MiB", "base 8MiB 1" },
        { "volume clone data/base@s new", "base 4MiB 1, new 4MiB 0" },
        { "volume rollback data/base@s --yes", "base 4MiB 1" },
        { "volume delete data/base --snapshots --yes", "" },
        { "volume snapshot data/base@later", "base 4MiB 1" },
    };

    public async ValueTask InitializeAsync()
    {
        await _host.StartAsync();
        await _host.DoAsync(
            new CreatePool { Pool = TestEngine.Pool },
            TestEngine.Create("base"),
            new TakeSnapshots { Pool = TestEngine.Pool, Snapshots = [new(new("base"), "s")] });
        await _host.EndAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_change_that_was_killed_inside_its_step_is_whole_or_undone_after_the_next_start(string command, string volumes)
    {
        using (HostProgram program = HostProgram.Start(_host, command.Split(' ')))
        {
            using (FileLock held = FileLock.TryAcquire(Path.Combine(_host.PoolPath, "lock"), "the test")!)
            {
                program.WaitUntil(() => HostProgram.Journaled(_host) is { State: OperationState.Running } operation
                    && operation.Steps.Any(step => step.Outcome == "running"), s_limit);
                program.Kill();
            }
        }

        output.WriteLine(HostProgram.Describe(HostProgram.Journaled(_host)!));
        await _host.StartAsync();

        IReadOnlyList<VolumeReport> left = await _host.Api.ListVolumesAsync(null, default);
        string.Join(", ", left.Select(volume => $"{volume.Name} {volume.Size} {volume.Snapshots.Count}")).ShouldBe(volumes);
        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
        HostProgram.Journaled(_host)!.State.ShouldBe(command.Contains("snapshot data", StringComparison.Ordinal) ? OperationState.Failed : OperationState.Succeeded);
        Directory.EnumerateFileSystemEntries(_host.PoolPath, ".tmp-*", SearchOption.AllDirectories).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_change_that_was_killed_before_its_first_step_is_whole_or_undone_after_the_next_start(string command, string volumes)
        => await RecoverAsync(command, volumes, static operation => operation with
        {
            State = OperationState.Running,
            Ended = null,
            Steps = [.. operation.Steps.Select(step => step with { Outcome = StepState.Pending })],
        }, undone: true);

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_change_that_was_killed_after_its_last_step_stands(string command, string volumes)
        => await RecoverAsync(
            command, volumes.Replace("1", command.Contains("snapshot data", StringComparison.Ordinal) ? "2" : "1", StringComparison.Ordinal),
            static operation => operation with { State = OperationState.Running, Ended = null }, undone: false);

    [Fact]
    public async Task An_operation_that_a_process_still_runs_is_left_alone()
    {
        using HostProgram program = HostProgram.Start(_host, "volume", "create", "data/new", "4MiB");
        using (FileLock held = FileLock.TryAcquire(Path.Combine(_host.PoolPath, "lock"), "the test")!)
        {
            program.WaitUntil(() => HostProgram.Journaled(_host) is { State: OperationState.Running }, s_limit);
            await _host.StartAsync();
            HostProgram.Journaled(_host)!.State.ShouldBe(OperationState.Running);
        }

        (await program.EndAsync()).ExitCode.ShouldBe(0);
        HostProgram.Journaled(_host)!.State.ShouldBe(OperationState.Succeeded);
    }

    [Fact]
    public async Task An_operation_whose_pool_is_away_waits_until_it_is_back_and_the_doctor_says_so()
    {
        using (HostProgram program = HostProgram.Start(_host, "volume", "create", "data/new", "4MiB"))
        using (FileLock held = FileLock.TryAcquire(Path.Combine(_host.PoolPath, "lock"), "the test")!)
        {
            program.WaitUntil(() => HostProgram.Journaled(_host) is { State: OperationState.Running }, s_limit);
            program.Kill();
        }

        Directory.Move(_host.PoolPath, _host["away"]);
        await _host.StartAsync();
        HostProgram.Journaled(_host)!.State.ShouldBe(OperationState.Running);
        (await _host.Api.DiagnoseAsync(default)).ShouldContain(finding => finding.Message.Contains("was cut short", StringComparison.Ordinal));
        await _host.EndAsync();

        Directory.Move(_host["away"], _host.PoolPath);
        await _host.StartAsync();

        HostProgram.Journaled(_host)!.State.ShouldBe(OperationState.Succeeded);
        (await _host.Api.ListVolumesAsync(null, default)).Select(volume => $"{volume.Name}").ShouldBe(["base", "new"]);
    }

    // The journal as it was at that moment, and the world beside it.
    private async Task RecoverAsync(string command, string volumes, Func<OperationReport, OperationReport> then, bool undone)
    {
        string before = _host["before"];
        Copy(_host.PoolPath, before);
        (await HostProgram.RunAsync(_host, command.Split(' '))).ExitCode.ShouldBe(0);
        string path = Directory.EnumerateFiles(Path.Combine(_host.State, "operations"), "*.json").MaxBy(File.GetLastWriteTimeUtc)!;
        OperationDocument document = OperationDocument.Read(await File.ReadAllBytesAsync(path), path);
        await File.WriteAllBytesAsync(path, (document with { Operation = then(document.Operation) }).Write());
        if (undone)
        {
            Directory.Delete(_host.PoolPath, recursive: true);
            Directory.Move(before, _host.PoolPath);
        }

        await _host.StartAsync();

        IReadOnlyList<VolumeReport> left = await _host.Api.ListVolumesAsync(null, default);
        string.Join(", ", left.Select(volume => $"{volume.Name} {volume.Size} {volume.Snapshots.Count}")).ShouldBe(volumes);
        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
    }

    private static void Copy(string source, string target)
    {
        Directory.CreateDirectory(target, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (string directory in Directory.EnumerateDirectories(source))
        {
            Copy(directory, Path.Combine(target, Path.GetFileName(directory)));
        }

        foreach (string file in Directory.EnumerateFiles(source))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }
    }
}
