using static EveStorage.Conformance.Promise;

namespace EveStorage.Conformance;

/// <summary>What holds for file systems that a pool makes by itself.</summary>
internal static class FileSystemPromises
{
    private const int Enospc = 28;
    private const int Edquot = 122;

    private static readonly ByteSize s_size = ByteSize.MiB(64);

    internal static IReadOnlyList<ConformanceCase> Cases { get; } =
    [
        Case("A file system is a directory that keeps what is written to it", KeepsAsync),
        Case("Who writes more to a file system than its size meets ENOSPC or EDQUOT, and its neighbour goes on", SizeIsQuotaAsync),
        Case("A file system that is mounted is busy for a delete, and stays as it is", MountedIsBusyAsync),
        Case("What a file system is reserved is not free for others", ReservedAsync),
        Case("A file system grows while it is written", GrowsAsync),
        Case("Other limits of a file system hold at once, and are undone as they were", LimitsAsync),
        Case("A clone of a file system has its files and its size, and an id and limits of its own", CloneAsync),
        Case("A file system that is rolled back has the files of then, and no others", RollbackAsync),
    ];

    private static ConformanceCase Case(string name, Func<IFileSystemPool, RunPlan, CancellationToken, Task> checkAsync)
        => new(name, VolumeTraits.None, (pool, run, cancellationToken) => pool is IFileSystemPool native
            ? checkAsync(native, run, cancellationToken)
            : throw new ConformanceException($"its pool claims {nameof(VolumeForm.FileSystem)}, and is no {nameof(IFileSystemPool)}"))
        {
            Claims = static c => c.Forms.Contains(VolumeForm.FileSystem),
        };

    private static async Task KeepsAsync(IFileSystemPool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        VolumeInfo made = await FoundAsync(pool, Volume, cancellationToken);
        Require(made.Form == VolumeForm.FileSystem, $"its form is {made.Form}");
        Require(made.Path == pool.SourceOf(Volume).Source, $"its path is {made.Path}, and not what is mounted, {pool.SourceOf(Volume).Source}");
        Require((await pool.Records.FindAsync(Volume, cancellationToken))?.Id == made.Id, "its record has another id");
        await RequireAsync(StorageErrorKind.NotSupported, async () => await (await pool.OpenBlocksAsync(Volume, BlockAccess.Read, cancellationToken)).DisposeAsync());
        await WriteAsync(pool, Volume, "kept", 5, cancellationToken);
        await RequireFileAsync(pool, Volume, "kept", 5, cancellationToken);
    }

    private static async Task SizeIsQuotaAsync(IFileSystemPool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await MakeAsync(pool, run, Other, cancellationToken);
        long before = (await pool.GetStatusAsync(cancellationToken)).Free.Bytes;
        await using (MountedHere mounted = await MountedHere.MountAsync(pool, Volume, cancellationToken))
        {
            long written = await FillAsync(mounted, s_size.Bytes * 2, cancellationToken);
            Require(written < s_size.Bytes * 5 / 4, $"{new ByteSize(written)} were written to one of {s_size}");
        }

        await WriteAsync(pool, Other, "neighbour", 6, cancellationToken);
        long taken = before - (await pool.GetStatusAsync(cancellationToken)).Free.Bytes;
        Require(taken < s_size.Bytes * 3 / 2, $"it took {new ByteSize(Math.Max(0, taken))} of its pool");
    }

    private static async Task MountedIsBusyAsync(IFileSystemPool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await using (MountedHere mounted = await MountedHere.MountAsync(pool, Volume, cancellationToken))
        {
            await File.WriteAllBytesAsync(Path.Combine(mounted.Path, "kept"), Page(7), cancellationToken);
            await RequireAsync(StorageErrorKind.Busy, async () => await run(await pool.PlanDeleteAsync(Volume, cancellationToken), NewRequest(), cancellationToken));
            Require((await File.ReadAllBytesAsync(Path.Combine(mounted.Path, "kept"), cancellationToken)).AsSpan().SequenceEqual(Page(7)), "a file has other bytes");
        }

        await run(await pool.PlanDeleteAsync(Volume, cancellationToken), NewRequest(), cancellationToken);
        Require(await pool.FindVolumeAsync(Volume, cancellationToken) is null, "it is there once it was deleted");
    }

    private static async Task ReservedAsync(IFileSystemPool pool, RunPlan run, CancellationToken cancellationToken)
    {
        if (!pool.FileSystems.Traits.HasFlag(VolumeTraits.Reserved))
        {
            return;
        }

        long before = (await pool.GetStatusAsync(cancellationToken)).Free.Bytes;
        await run(await pool.PlanCreateAsync(SpecOf(Volume) with { Reservation = s_size }, cancellationToken), NewRequest(Volume), cancellationToken);
        long taken = before - (await pool.GetStatusAsync(cancellationToken)).Free.Bytes;
        Require(taken >= s_size.Bytes / 2, $"{new ByteSize(Math.Max(taken, 0))} less are free, and {s_size} were reserved");
        VolumeInfo made = await FoundAsync(pool, Volume, cancellationToken);
        Require(made.Reservation >= s_size, $"it is said to have {made.Reservation} reserved");
        await RequireAsync(StorageErrorKind.InvalidConfiguration, async () => await pool.PlanCreateAsync(SpecOf(Other) with { Reservation = new(s_size.Bytes * 2) }, cancellationToken));
    }

    private static async Task GrowsAsync(IFileSystemPool pool, RunPlan run, CancellationToken cancellationToken)
    {
        if (pool is not IResizablePool growing)
        {
            return;
        }

        await run(await pool.PlanCreateAsync(SpecOf(Volume) with { Traits = VolumeTraits.None }, cancellationToken), NewRequest(Volume), cancellationToken);
        ByteSize larger = new(s_size.Bytes * 2);
        await using MountedHere mounted = await MountedHere.MountAsync(pool, Volume, cancellationToken);
        await FillAsync(mounted, s_size.Bytes * 2, cancellationToken);
        await run(await growing.PlanGrowAsync(Volume, larger, cancellationToken), NewRequest(), cancellationToken);
        VolumeInfo grown = await FoundAsync(pool, Volume, cancellationToken);
        Require(grown.Size >= larger, $"it has {grown.Size}, and {larger} were asked for");
        Require(!grown.Traits.HasFlag(VolumeTraits.Thin), "all of it was reserved, and is no more since it grew");
        await File.WriteAllBytesAsync(Path.Combine(mounted.Path, "more"), new byte[s_size.Bytes / 2], cancellationToken);
    }

    private static async Task LimitsAsync(IFileSystemPool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        FileSystemLimits limits = new() { Size = new(s_size.Bytes / 2), Reservation = pool.FileSystems.Traits.HasFlag(VolumeTraits.Reserved) ? new(s_size.Bytes / 4) : null };
        OperationRequest request = NewRequest();
        Plan plan = await pool.PlanLimitAsync(Volume, limits, cancellationToken);
        await run(plan, request, cancellationToken);
        VolumeInfo limited = await FoundAsync(pool, Volume, cancellationToken);
        Require(limited.Size == limits.Size && (limits.Reservation is null || limited.Reservation == limits.Reservation), $"it has {limited.Size} with {limited.Reservation} reserved");
        RequireNone((await pool.PlanLimitAsync(Volume, limits, cancellationToken)).Steps.Where(step => step.Expected != StepEffect.AlreadySo), "it is so already");
        foreach (StorageStep step in plan.Steps.Reverse())
        {
            await step.RevertAsync(ContextOf(request), cancellationToken);
        }

        VolumeInfo before = await FoundAsync(pool, Volume, cancellationToken);
        Require(before.Size == s_size && before.Reservation?.Bytes is null or 0, $"it was undone, and has {before.Size} with {before.Reservation} reserved");
    }

    /// <summary>Makes one with a file, and a snapshot of that moment.</summary>
    private static async Task<SnapshotName> MakeFrozenAsync(IFileSystemPool pool, ISnapshotPool snapshots, RunPlan run, CancellationToken cancellationToken)
    {
        SnapshotName frozen = new(Volume, "frozen");
        await MakeAsync(pool, run, Volume, cancellationToken);
        await WriteAsync(pool, Volume, "kept", 1, cancellationToken);
        await run(await snapshots.PlanSnapshotAsync([frozen], cancellationToken), NewRequest(frozen), cancellationToken);
        return frozen;
    }

    private static async Task CloneAsync(IFileSystemPool pool, RunPlan run, CancellationToken cancellationToken)
    {
        if (pool is not ISnapshotPool snapshots)
        {
            return;
        }

        SnapshotName frozen = await MakeFrozenAsync(pool, snapshots, run, cancellationToken);
        await WriteAsync(pool, Volume, "kept", 2, cancellationToken);
        await run(await snapshots.PlanCloneAsync(frozen, Other, cancellationToken), NewRequest(Other), cancellationToken);
        await RequireFileAsync(pool, Other, "kept", 1, cancellationToken);
        await RequireFileAsync(pool, Volume, "kept", 2, cancellationToken);
        VolumeInfo clone = await FoundAsync(pool, Other, cancellationToken);
        Require(clone.Form == VolumeForm.FileSystem && clone.Size == s_size, $"it is a {clone.Form} of {clone.Size}");
        Require(clone.Id != (await FoundAsync(pool, Volume, cancellationToken)).Id, "it has the id of what it was cloned of");
        await run(await pool.PlanLimitAsync(Other, new() { Size = new(s_size.Bytes / 4) }, cancellationToken), NewRequest(), cancellationToken);
        Require((await FoundAsync(pool, Volume, cancellationToken)).Size == s_size, "what it was cloned of has its limit");
    }

    private static async Task RollbackAsync(IFileSystemPool pool, RunPlan run, CancellationToken cancellationToken)
    {
        if (pool is not ISnapshotPool snapshots)
        {
            return;
        }

        SnapshotName frozen = await MakeFrozenAsync(pool, snapshots, run, cancellationToken);
        await WriteAsync(pool, Volume, "later", 2, cancellationToken);
        await run(await snapshots.PlanRollbackAsync(frozen, cancellationToken), NewRequest(), cancellationToken);
        await using MountedHere mounted = await MountedHere.MountAsync(pool, Volume, cancellationToken);
        Require(File.Exists(Path.Combine(mounted.Path, "kept")), "the file of then is gone");
        Require(!File.Exists(Path.Combine(mounted.Path, "later")), "a later file is there");
    }

    private static VolumeSpec SpecOf(VolumeName name) => new() { Name = name, Form = VolumeForm.FileSystem, Size = s_size, Traits = VolumeTraits.Thin };

    private static Task MakeAsync(IFileSystemPool pool, RunPlan run, VolumeName name, CancellationToken cancellationToken)
        => RunAsync(pool.PlanCreateAsync(SpecOf(name) with { Traits = pool.FileSystems.Traits & VolumeTraits.Thin }, cancellationToken), run, name, cancellationToken);

    private static async Task RunAsync(ValueTask<Plan> plan, RunPlan run, VolumeName name, CancellationToken cancellationToken)
        => await run(await plan, NewRequest(name), cancellationToken);

    private static async Task WriteAsync(IFileSystemPool pool, VolumeName name, string file, byte value, CancellationToken cancellationToken)
    {
        await using MountedHere mounted = await MountedHere.MountAsync(pool, name, cancellationToken);
        await File.WriteAllBytesAsync(Path.Combine(mounted.Path, file), Page(value), cancellationToken);
    }

    private static async Task RequireFileAsync(IFileSystemPool pool, VolumeName name, string file, byte value, CancellationToken cancellationToken)
    {
        await using MountedHere mounted = await MountedHere.MountAsync(pool, name, cancellationToken);
        Require((await File.ReadAllBytesAsync(Path.Combine(mounted.Path, file), cancellationToken)).AsSpan().SequenceEqual(Page(value)), $"{file} has other bytes");
    }

    /// <summary>Writes until there is no room, and says how much that was.</summary>
    private static async Task<long> FillAsync(MountedHere mounted, long most, CancellationToken cancellationToken)
    {
        byte[] piece = new byte[1 << 20];
        Random random = new(1);
        using FileStream file = new(Path.Combine(mounted.Path, "fill"), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        try
        {
            while (file.Length < most)
            {
                random.NextBytes(piece);
                await file.WriteAsync(piece, cancellationToken);
                file.Flush(flushToDisk: true);
            }
        }
        catch (IOException e) when (e.HResult is Enospc or Edquot)
        {
            return file.Length;
        }

        throw new ConformanceException($"{new ByteSize(most)} were written, and it has {s_size}");
    }
}
