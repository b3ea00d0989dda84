using static EveStorage.Conformance.Promise;

namespace EveStorage.Conformance;

/// <summary>Growing.</summary>
internal static class GrowPromises
{
    private static readonly ByteSize s_larger = ByteSize.MiB(12);

    internal static IReadOnlyList<ConformanceCase> Cases { get; } =
    [
        new("A volume that grows keeps its id and its data, and the rest reads as zeros", VolumeTraits.Resizable, GrowsAsync),
        new("An opening sees that its volume has grown", VolumeTraits.Resizable, OpenSeesAsync),
        new("Growing to the size it has changes nothing", VolumeTraits.Resizable, SameSizeAsync),
        new("Shrinking is refused", VolumeTraits.Resizable, ShrinkAsync),
    ];

    private static async Task GrowsAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await WriteAsync(pool, Volume, Size.Bytes - 4096, 1, cancellationToken);
        VolumeInfo before = await FoundAsync(pool, Volume, cancellationToken);
        await GrowAsync(pool, run, s_larger, cancellationToken);
        VolumeInfo after = await FoundAsync(pool, Volume, cancellationToken);
        Require(after.Id == before.Id, $"the id became {after.Id}");
        Require(after.Size >= s_larger, $"the size is {after.Size}");
        await RequirePageAsync(pool, Volume, Size.Bytes - 4096, 1, cancellationToken);
        await RequirePageAsync(pool, Volume, Size.Bytes, 0, cancellationToken);
        await RequirePageAsync(pool, Volume, s_larger.Bytes - 4096, 0, cancellationToken);
    }

    private static async Task OpenSeesAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await using IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.ReadWrite, cancellationToken);
        await GrowAsync(pool, run, s_larger, cancellationToken);
        Require(blocks.Size >= s_larger, $"it sees {blocks.Size}");
        await blocks.WriteAsync(s_larger.Bytes - 4096, Page(1), WriteDurability.Cached, cancellationToken);
        await RequirePageAsync(blocks, s_larger.Bytes - 4096, 1, cancellationToken);
    }

    private static async Task SameSizeAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        RequireNone(await run(await Growable(pool).PlanGrowAsync(Volume, Size, cancellationToken), NewRequest(), cancellationToken), "changed");
    }

    private static async Task ShrinkAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await RequireAsync(StorageErrorKind.NotSupported, () => GrowAsync(pool, run, ByteSize.MiB(4), cancellationToken));
        Require((await FoundAsync(pool, Volume, cancellationToken)).Size >= Size, "it shrank");
    }

    private static IResizablePool Growable(IStoragePool pool) => (IResizablePool)pool;

    private static async Task GrowAsync(IStoragePool pool, RunPlan run, ByteSize size, CancellationToken cancellationToken)
        => await run(await Growable(pool).PlanGrowAsync(Volume, size, cancellationToken), NewRequest(), cancellationToken);
}
