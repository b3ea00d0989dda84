using static EveStorage.Conformance.Promise;

namespace EveStorage.Conformance;

/// <summary>What a pool says of itself: sizes, space, and traits that are no operation.</summary>
internal static class ClaimPromises
{
    private static readonly ByteSize s_limit = ByteSize.MiB(8);

    internal static IReadOnlyList<ConformanceCase> Cases { get; } =
    [
        new("A volume has the size that it is told to have, to the last byte and rounded no further than its pool says", VolumeTraits.None, SizeIsTrueAsync),
        new("What was flushed is read by the volume's path while it is still open", VolumeTraits.None, FlushedIsOnThePathAsync),
        new("A volume that is open is busy for a delete, and stays as it is", VolumeTraits.None, OpenIsBusyAsync),
        new("A pool's status tells of no more space than there is", VolumeTraits.None, StatusAddsUpAsync),
        new("A thin volume reads as zeros where another one lay before", VolumeTraits.Thin, ThinReadsZeroAsync) { Claims = static c => c.ThinReadsZero },
        new("A volume reads as zeros where another one lay before", VolumeTraits.None, ThickReadsZeroAsync) { Claims = static c => c.ThickReadsZero },
        new("What compresses takes less of the pool than it is, and is read as it was written", VolumeTraits.Compressed, CompressedAsync),
        new("A volume takes no more than its quota, and its neighbour goes on", VolumeTraits.Quota, QuotaHoldsAsync),
        new("What is reserved for a volume is not free for others", VolumeTraits.Reserved, ReservedIsTakenAsync),
    ];

    private static async Task SizeIsTrueAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        VolumeInfo made = await FoundAsync(pool, Volume, cancellationToken);
        Require(made.Size.Bytes < Size.Bytes + pool.Capabilities.Granularity.Bytes, $"it has {made.Size} where {Size} was asked for and sizes are rounded up to {pool.Capabilities.Granularity}");
        await using (IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.ReadWrite, cancellationToken))
        {
            Require(blocks.Size == made.Size, $"it is said to have {made.Size}, and its blocks have {blocks.Size}");
            await blocks.WriteAsync(made.Size.Bytes - 4096, Page(1), WriteDurability.Stable, cancellationToken);
        }

        await RequirePageAsync(pool, Volume, made.Size.Bytes - 4096, 1, cancellationToken);
    }

    private static async Task FlushedIsOnThePathAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await using IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.ReadWrite, cancellationToken);
        await blocks.WriteAsync(8192, Page(7), WriteDurability.Cached, cancellationToken);
        await blocks.FlushAsync(cancellationToken);
        await blocks.WriteAsync(1 << 20, Page(8), WriteDurability.Stable, cancellationToken);
        string path = (await FoundAsync(pool, Volume, cancellationToken)).Path;
        await using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        foreach ((long offset, byte value) in new[] { (8192L, (byte)7), (1L << 20, (byte)8) })
        {
            byte[] page = new byte[4096];
            file.Position = offset;
            await file.ReadExactlyAsync(page, cancellationToken);
            Require(page.AsSpan().SequenceEqual(Page(value)), $"{path} has {page[0]:x2}… at {offset}, not {value:x2}…");
        }
    }

    private static async Task OpenIsBusyAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        await using (IBlockSource blocks = await pool.OpenBlocksAsync(Volume, BlockAccess.ReadWrite, cancellationToken))
        {
            await blocks.WriteAsync(0, Page(9), WriteDurability.Cached, cancellationToken);
            await RequireAsync(StorageErrorKind.Busy, async () => await run(await pool.PlanDeleteAsync(Volume, cancellationToken), NewRequest(), cancellationToken));
            await RequirePageAsync(blocks, 0, 9, cancellationToken);
            await blocks.FlushAsync(cancellationToken);
        }

        await FoundAsync(pool, Volume, cancellationToken);
        await RequirePageAsync(pool, Volume, 0, 9, cancellationToken);
    }

    private static async Task StatusAddsUpAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        await MakeAsync(pool, run, Volume, cancellationToken);
        PoolStatus status = await pool.GetStatusAsync(cancellationToken);
        Require(status.Size.Bytes > 0, "its size is nothing");
        Require(status.Used <= status.Size && status.Free <= status.Size, $"of {status.Size} {status.Used} are used and {status.Free} free");
        Require(status.Health == PoolHealth.Healthy || status.Problems.Count > 0, $"it is {status.Health} and says no reason");
    }

    private static Task ThinReadsZeroAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
        => ReadsZeroAsync(pool, run, Spec(Volume) with { Traits = VolumeTraits.Thin }, cancellationToken);

    private static Task ThickReadsZeroAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken) => ReadsZeroAsync(pool, run, Spec(Volume), cancellationToken);

    private static async Task ReadsZeroAsync(IStoragePool pool, RunPlan run, VolumeSpec spec, CancellationToken cancellationToken)
    {
        await run(await pool.PlanCreateAsync(spec, cancellationToken), NewRequest(spec.Name), cancellationToken);
        await FillAsync(pool, spec.Name, static block => Array.Fill(block, (byte)0xA5), Size, cancellationToken);
        await run(await pool.PlanDeleteAsync(spec.Name, cancellationToken), NewRequest(), cancellationToken);
        await run(await pool.PlanCreateAsync(spec, cancellationToken), NewRequest(spec.Name), cancellationToken);
        await using IBlockSource blocks = await pool.OpenBlocksAsync(spec.Name, BlockAccess.Read, cancellationToken);
        byte[] block = new byte[1 << 20];
        for (long offset = 0; offset < Size.Bytes; offset += block.Length)
        {
            await blocks.ReadAsync(offset, block, cancellationToken);
            Require(!block.AsSpan().ContainsAnyExcept((byte)0), $"there is something in the MiB at {offset}");
        }
    }

    private static async Task CompressedAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        VolumeSpec spec = Spec(Volume) with { Size = ByteSize.MiB(32), Traits = VolumeTraits.Compressed | (pool.Capabilities.Traits & VolumeTraits.Thin) };
        await run(await pool.PlanCreateAsync(spec, cancellationToken), NewRequest(Volume), cancellationToken);
        VolumeInfo made = await FoundAsync(pool, Volume, cancellationToken);
        Require(made.Traits.HasFlag(VolumeTraits.Compressed), "the volume does not say that it is compressed");
        long before = (await pool.GetStatusAsync(cancellationToken)).Free.Bytes;
        await FillAsync(pool, Volume, static block => Array.Fill(block, (byte)0x5A), spec.Size, cancellationToken);
        long taken = Math.Min(
            before - (await pool.GetStatusAsync(cancellationToken)).Free.Bytes, (await FoundAsync(pool, Volume, cancellationToken)).Allocated.Bytes - made.Allocated.Bytes);
        Require(taken <= spec.Size.Bytes / 2, $"{spec.Size} of one byte take {new ByteSize(taken)}");
        await RequirePageAsync(pool, Volume, spec.Size.Bytes - 4096, 0x5A, cancellationToken);
    }

    private static async Task QuotaHoldsAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        VolumeTraits thin = pool.Capabilities.Traits & VolumeTraits.Thin;
        VolumeSpec spec = Spec(Volume) with { Size = ByteSize.MiB(32), Quota = s_limit, Traits = thin };
        await run(await pool.PlanCreateAsync(spec, cancellationToken), NewRequest(Volume), cancellationToken);
        await run(await pool.PlanCreateAsync(Spec(Other) with { Traits = thin }, cancellationToken), NewRequest(Other), cancellationToken);
        await RequireAsync(StorageErrorKind.OutOfSpace, () => FillAsync(pool, Volume, new Random(1).NextBytes, spec.Size, cancellationToken));
        await WriteAsync(pool, Other, 0, 3, cancellationToken);
        await RequirePageAsync(pool, Other, 0, 3, cancellationToken);
    }

    private static async Task ReservedIsTakenAsync(IStoragePool pool, RunPlan run, CancellationToken cancellationToken)
    {
        long before = (await pool.GetStatusAsync(cancellationToken)).Free.Bytes;
        VolumeSpec spec = Spec(Volume) with { Size = ByteSize.MiB(32), Reservation = ByteSize.MiB(32), Traits = pool.Capabilities.Traits & VolumeTraits.Thin };
        await run(await pool.PlanCreateAsync(spec, cancellationToken), NewRequest(Volume), cancellationToken);
        long taken = before - (await pool.GetStatusAsync(cancellationToken)).Free.Bytes;
        Require(taken >= spec.Reservation.Value.Bytes / 2, $"{new ByteSize(Math.Max(taken, 0))} less are free, and {spec.Reservation} were reserved");
    }

    private static async Task FillAsync(IStoragePool pool, VolumeName name, Action<byte[]> fill, ByteSize size, CancellationToken cancellationToken)
    {
        await using IBlockSource blocks = await pool.OpenBlocksAsync(name, BlockAccess.ReadWrite, cancellationToken);
        byte[] block = new byte[1 << 20];
        for (long offset = 0; offset < size.Bytes; offset += block.Length)
        {
            fill(block);
            await blocks.WriteAsync(offset, block, WriteDurability.Cached, cancellationToken);
            await blocks.FlushAsync(cancellationToken);
        }
    }
}
