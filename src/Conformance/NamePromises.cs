using static EveStorage.Conformance.Promise;

namespace EveStorage.Conformance;

/// <summary>Names, lists and records.</summary>
internal static class NamePromises
{
    internal static IReadOnlyList<ConformanceCase> Cases { get; } =
    [
        new("Every volume is listed once, those with a temporary name too", VolumeTraits.None, ListedOnceAsync),
        new("A volume that is renamed keeps its id, its record and its data", VolumeTraits.None, RenamedKeepsAsync),
        new("A rename to a name that is taken is a conflict, and both stay", VolumeTraits.None, TakenNameIsConflictAsync),
        new("A rename may be planned before an earlier step of the plan has made the volume", VolumeTraits.None, RenameIsPlannedAheadAsync),
        new("A rename that is reverted gives the old name back", VolumeTraits.None, RevertedRenameAsync),
        new("A record is what it was replaced by", VolumeTraits.None, RecordIsReplacedAsync),
        new("A volume that is not there has no record and gets none", VolumeTraits.None, NoVolumeNoRecordAsync),
        new("A request for a file system is refused where none are made", VolumeTraits.None, UnclaimedFormIsRefusedAsync),
    ];

    private static async Task ListedOnceAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        VolumeName temporary = VolumeName.ForOperation(Guid.NewGuid());
        VolumeName[] made = [new("a.b"), Volume, temporary];
        foreach (VolumeName name in made)
        {
            await MakeAsync(pool, run, name, cancellationToken);
        }

        List<VolumeName> listed = [];
        await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
        {
            listed.Add(volume.Name);
        }

        Require(listed.Count == made.Length && made.All(listed.Contains), $"the list is {string.Join(", ", listed)}");
    }

    private static async Task RenamedKeepsAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await WriteAsync(pool, Volume, 4096, 7, cancellationToken);
        VolumeInfo before = await FoundAsync(pool, Volume, cancellationToken);
        await run(await pool.PlanRenameAsync(Volume, Other, cancellationToken), NewRequest(), cancellationToken);
        VolumeInfo after = await FoundAsync(pool, Other, cancellationToken);
        Require(after.Id == before.Id, $"the id became {after.Id}");
        Require(after.Path == pool.PathOf(Other), $"the path is {after.Path}, not {pool.PathOf(Other)}");
        Require((await pool.Records.FindAsync(Other, cancellationToken))?.Id == before.Id, "the record did not come along");
        Require(await pool.FindVolumeAsync(Volume, cancellationToken) is null, "the old name is still there");
        await RequirePageAsync(pool, Other, 4096, 7, cancellationToken);
    }

    private static async Task TakenNameIsConflictAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        OperationRequest first = await MakeAsync(pool, run, Volume, cancellationToken);
        OperationRequest second = await MakeAsync(pool, run, Other, cancellationToken);
        await RequireAsync(StorageErrorKind.Conflict, async () =>
            await run(await pool.PlanRenameAsync(Volume, Other, cancellationToken), NewRequest(), cancellationToken));
        Require((await FoundAsync(pool, Volume, cancellationToken)).Id == first.Ids[$"{Volume}"], "the first is another");
        Require((await FoundAsync(pool, Other, cancellationToken)).Id == second.Ids[$"{Other}"], "the second is another");
    }

    private static async Task RenameIsPlannedAheadAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        OperationRequest request = NewRequest(Volume);
        Plan plan = (await pool.PlanCreateAsync(Spec(Volume), cancellationToken)).Then(await pool.PlanRenameAsync(Volume, Other, cancellationToken));
        await run(plan, request, cancellationToken);
        Require((await FoundAsync(pool, Other, cancellationToken)).Id == request.Ids[$"{Volume}"], "it has another id");
    }

    private static async Task RevertedRenameAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        Plan plan = (await pool.PlanRenameAsync(Volume, Other, cancellationToken)).Then(Plan.Of(new FailingStep()));
        await RequireAsync(FailingStep.Kind, () => run(plan, NewRequest(), cancellationToken));
        await FoundAsync(pool, Volume, cancellationToken);
        Require(await pool.FindVolumeAsync(Other, cancellationToken) is null, "the new name is there");
    }

    private static async Task RecordIsReplacedAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        VolumeRecord record = await pool.Records.FindAsync(Volume, cancellationToken) ?? throw new ConformanceException("a new volume has no record");
        LayerRecord[] layers = [new() { Kind = "luks2", Key = "volume-key" }, new() { Kind = "ext4" }];
        await pool.Records.ReplaceAsync(Volume, record with { Layers = layers }, cancellationToken);
        VolumeRecord? read = await pool.Records.FindAsync(Volume, cancellationToken);
        Require(read is not null && read.Id == record.Id && read.Mark == record.Mark && read.Layers.SequenceEqual(layers), "it is another");
    }

    private static async Task NoVolumeNoRecordAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        Require(await pool.Records.FindAsync(Volume, cancellationToken) is null, "it has one");
        VolumeRecord record = new() { Id = Guid.NewGuid(), Mark = OwnerMark.Of(Guid.NewGuid()), Created = TimeProvider.System.GetUtcNow() };
        await RequireAsync(StorageErrorKind.NotFound, async () => await pool.Records.ReplaceAsync(Volume, record, cancellationToken));
        Require(await pool.FindVolumeAsync(Volume, cancellationToken) is null, "it made a volume");
    }

    private static async Task UnclaimedFormIsRefusedAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        foreach (VolumeForm form in Enum.GetValues<VolumeForm>().Where(f => !pool.Capabilities.Forms.Contains(f)))
        {
            await RequireAsync(StorageErrorKind.NotSupported, async () => await pool.PlanCreateAsync(Spec(Volume) with { Form = form }, cancellationToken));
        }
    }
}
