using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>
/// Each change of file systems, ended after each of its steps, told or not: the next start finishes it. The steps are the real ones
/// on real loop devices; what ends is the host that remembers them.
/// </summary>
public sealed class CutShortFileSystemTests : IAsyncLifetime
{
    private static readonly VolumeName s_name = new("newlog");

    private readonly FileSystemHost _host = new();

    public static TheoryData<string> Changes { get; } = ["create", "create-xfs", "grow", "move", "unmount", "mount", "delete", "snapshot"];

    public async ValueTask InitializeAsync() => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = FileSystemHost.Pool });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_change_that_is_cut_short_after_any_of_its_steps_is_finished_by_the_next_start(string change)
    {
        int steps = int.MaxValue;
        for (int done = 0; done <= steps; done++)
        {
            await PrepareAsync(change);
            steps = await _host.CutAsync(RequestFor(change), done);

            await _host.StartAsync(serve: true);

            await ShouldBeDoneAsync(change, $"{change} after {done} of {steps} steps");
            await CleanAsync();
        }

        steps.ShouldBeGreaterThan(0);
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_change_that_fails_after_any_of_its_steps_is_undone_or_goes_forward(string change)
    {
        int steps = int.MaxValue;
        for (int done = 1; done <= steps; done++)
        {
            await PrepareAsync(change);
            string before = await DescribeAsync();
            (int all, bool destroyed) = await FailAsync(RequestFor(change), done);
            steps = all;

            if (!destroyed)
            {
                (await DescribeAsync()).ShouldBe(before, $"{change} after {done} of {steps} steps");
            }

            await CleanAsync();
        }
    }

    private static ChangeRequest RequestFor(string change) => change switch
    {
        "create" => FileSystemHost.Create("newlog"),
        "create-xfs" => FileSystemHost.Create("newlog", 304, reserved: true, kind: "xfs"),
        "grow" => new ResizeVolume { Pool = FileSystemHost.Pool, Volume = s_name, Size = ByteSize.MiB(400) },
        "move" => new SetFileSystem { Pool = FileSystemHost.Pool, Volume = s_name, At = "moved" },
        "unmount" => new UnmountFileSystem { Pool = FileSystemHost.Pool, Volume = s_name },
        "mount" => new MountFileSystem { Pool = FileSystemHost.Pool, Volume = s_name },
        "snapshot" => new TakeSnapshots { Pool = FileSystemHost.Pool, Snapshots = [new(s_name, "s")] },
        _ => new DeleteVolume { Pool = FileSystemHost.Pool, Volume = s_name },
    };

    private async Task PrepareAsync(string change)
    {
        if (change.StartsWith("create", StringComparison.Ordinal))
        {
            return;
        }

        await _host.DoAsync(change == "grow" ? FileSystemHost.Create("newlog", 304, kind: "xfs") : FileSystemHost.Create("newlog"));
        await File.WriteAllTextAsync(_host.PointOf("newlog/a"), "kept");
        if (change is "mount" or "snapshot")
        {
            // A pool that copies takes no snapshot of what is mounted.
            await _host.DoAsync(new UnmountFileSystem { Pool = FileSystemHost.Pool, Volume = s_name });
        }
    }

    private async Task<(int Steps, bool Destroyed)> FailAsync(ChangeRequest request, int done)
    {
        (OperationRequest operation, Plan plan) = await _host.PlanAsync(request);
        List<StorageStep> changed = [];
        foreach (StorageStep step in plan.Steps.Take(done))
        {
            if (await step.ApplyAsync(ContextOf(operation), default) == StepOutcome.Changed)
            {
                changed.Add(step);
            }
        }

        bool destroyed = changed.Exists(step => step.Expected.Destroyed is not null);
        foreach (StorageStep step in destroyed ? [] : changed.AsEnumerable().Reverse())
        {
            await step.RevertAsync(ContextOf(operation), default);
        }

        return (plan.Steps.Count, destroyed);
    }

    private static OperationContext ContextOf(OperationRequest operation) => Testing.RunningPlans.ContextOf(operation);

    private async Task ShouldBeDoneAsync(string change, string when)
    {
        (await _host.Api.ListOperationsAsync(default)).Select(operation => operation.State).ShouldNotContain(OperationState.Running, when);
        (await _host.Api.ListOperationsAsync(default)).Select(operation => operation.State).ShouldNotContain(OperationState.NeedsAttention, when);
        (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty(when);
        string[] events = [.. (await _host.Api.ToldAsync().ToListAsync()).Select(e => $"{e.Id} {e.Message}")];
        events.ShouldBeEmpty(when);
        if (change == "delete")
        {
            (await DescribeAsync()).ShouldBe("", when);
            return;
        }

        FileSystemReport shown = await _host.ShowAsync("newlog");
        shown.Mounted.ShouldBe(change is not ("unmount" or "snapshot"), when);
        shown.Quota.ShouldBe(change switch { "grow" => ByteSize.MiB(400), "create-xfs" => ByteSize.MiB(304), _ => ByteSize.MiB(32) }, when);
        if (shown.Mounted)
        {
            shown.MountPoint.ShouldBe(_host.PointOf(change == "move" ? "moved" : "newlog"), when);
            await File.WriteAllTextAsync(Path.Combine(shown.MountPoint!, "b"), "written");
        }

        if (change is "grow" or "move" or "mount")
        {
            (await File.ReadAllTextAsync(Path.Combine(shown.MountPoint!, "a"))).ShouldBe("kept", when);
        }

        if (change == "grow")
        {
            shown.Free!.Value.Bytes.ShouldBeGreaterThan(ByteSize.MiB(300).Bytes, when);
        }
    }

    private async Task CleanAsync()
    {
        if ((await _host.Api.ListVolumesAsync(null, default)).Count > 0)
        {
            await _host.DoAsync(new DeleteVolume { Pool = FileSystemHost.Pool, Volume = s_name, WithSnapshots = true });
        }

        (await DescribeAsync()).ShouldBe("");
        Directory.EnumerateFileSystemEntries(Path.Combine(_host.PoolDirectory, "volumes")).ShouldBeEmpty();
        MountTable.Read().Where(mount => mount.Point.StartsWith(_host.Mounts, StringComparison.Ordinal)).ShouldBeEmpty();
    }

    private async Task<string> DescribeAsync()
        => string.Join(", ", (await _host.Api.ListFileSystemsAsync(null, default)).Select(
            one => $"{one.Name} {one.Kind} {one.Quota} {(one.Mounted ? one.MountPoint : "-")} {one.Wanted} {one.Snapshots.Count}"));
}
