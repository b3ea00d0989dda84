using static EveStorage.Conformance.Promise;

namespace EveStorage.Conformance;

/// <summary>
/// What a pool can be told to do about what it is made of: its drives, checks, discards and keys. Drives are not added or taken out here, since only
/// their owner knows which may be used up for that: a backend's own tests do.
/// </summary>
internal static class CarePromises
{
    internal static IReadOnlyList<ConformanceCase> Cases { get; } =
    [
        Case<IDrivePool>("A pool tells of each of its drives by a name of its own, and has nothing to do to take one that it has", DrivesAsync),
        Case<IScrubbablePool>("A check of all that a pool holds is started while it serves, and told by its status", ScrubAsync),
        Case<IPausableScrubPool>("A check that was interrupted is not interrupted again", PauseAsync),
        Case<ITrimmablePool>("A pool that tells its drives what is not used keeps what is, and is not interrupted in that twice", TrimAsync),
        Case<IRekeyablePool>("A pool that is encrypted has a key, and one that is not takes none", KeyAsync),
    ];

    private static ConformanceCase Case<T>(string name, Func<T, RunPlan, CancellationToken, Task> checkAsync)
        where T : IStoragePool => new(name, VolumeTraits.None, (pool, run, cancellationToken) => checkAsync((T)pool, run, cancellationToken)) { Ability = typeof(T) };

    private static async Task DrivesAsync(IDrivePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        IReadOnlyList<DriveStatus> drives = (await pool.GetStatusAsync(cancellationToken)).Drives;
        Require(drives.Count > 0, "its status has no drive");
        Require(drives.DistinctBy(drive => drive.Name).Count() == drives.Count, $"two of {string.Join(", ", drives.Select(drive => drive.Name))} have the same name");
        string path = drives.FirstOrDefault(drive => drive.Path is not null)?.Path ?? throw new ConformanceException("none of its drives has a path");
        RequireNone(await run(await pool.PlanAddDriveAsync(path, cancellationToken), NewRequest(), cancellationToken), "changed a drive that it had");
    }

    private static async Task ScrubAsync(IScrubbablePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await WriteAsync(pool, Volume, 4096, 3, cancellationToken);
        bool started = await ScrubsAsync(pool, run, cancellationToken);
        Require(!started || (await pool.GetStatusAsync(cancellationToken)).Scrub is not null, "it was started, and its status tells nothing of it");
        await RequirePageAsync(pool, Volume, 4096, 3, cancellationToken);
    }

    // One without redundancy may have nothing to compare.
    private static async Task<bool> ScrubsAsync(IScrubbablePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        try
        {
            return (await run(await pool.PlanScrubAsync(cancellationToken), NewRequest(), cancellationToken)).Count > 0;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
        {
            return false;
        }
    }

    private static async Task PauseAsync(IPausableScrubPool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await ScrubsAsync(pool, run, cancellationToken);
        await run(await pool.PlanPauseScrubAsync(cancellationToken), NewRequest(), cancellationToken);   // it may have ended before
        RequireNone(await run(await pool.PlanPauseScrubAsync(cancellationToken), NewRequest(), cancellationToken), "changed again");
    }

    private static async Task TrimAsync(ITrimmablePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await WriteAsync(pool, Volume, 4096, 4, cancellationToken);
        if (await TrimsAsync(pool, run, cancellationToken))
        {
            await run(await pool.PlanPauseTrimAsync(cancellationToken), NewRequest(), cancellationToken);   // it may have ended before
            RequireNone(await run(await pool.PlanPauseTrimAsync(cancellationToken), NewRequest(), cancellationToken), "changed again");
        }

        await RequirePageAsync(pool, Volume, 4096, 4, cancellationToken);
    }

    // None of its drives may be one that can be told.
    private static async Task<bool> TrimsAsync(ITrimmablePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        try
        {
            await run(await pool.PlanTrimAsync(cancellationToken), NewRequest(), cancellationToken);
            return true;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
        {
            return false;
        }
    }

    private static async Task KeyAsync(IRekeyablePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        bool encrypted = pool.Capabilities.Traits.HasFlag(VolumeTraits.Encrypted);
        Require(encrypted == pool.Key is not null, encrypted ? "it claims that it encrypts, and no key opens it" : $"it does not claim that it encrypts, and {pool.Key} opens it");
        if (!encrypted)
        {
            await RequireAsync(StorageErrorKind.NotSupported, async () => await pool.PlanRekeyAsync(new("conformance"), cancellationToken));
        }
    }
}
