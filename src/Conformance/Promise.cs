using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Conformance;

/// <summary>What the cases share: volumes to make, and the words for what has to hold.</summary>
internal static class Promise
{
    internal static VolumeName Volume { get; } = new("promise");

    internal static VolumeName Other { get; } = new("other");

    internal static ByteSize Size { get; } = ByteSize.MiB(8);

    /// <summary>An operation that makes <paramref name="made"/>: names of volumes and of snapshots.</summary>
    internal static OperationRequest NewRequest(params object[] made)
        => new() { Id = NewOperation(), Ids = made.ToDictionary(name => $"{name}", _ => Guid.NewGuid()) };

    /// <summary>A new id for an operation, which tells that a case has drawn it: see <see cref="PoolConformance.IsOfCase"/>.</summary>
    internal static Guid NewOperation()
    {
        Span<byte> bytes = stackalloc byte[16];
        Guid.NewGuid().TryWriteBytes(bytes);
        CaseId.CopyTo(bytes);
        return new(bytes);
    }

    // Seven bytes that name this kit, before the version that a random id has; the other seven are random.
    internal static ReadOnlySpan<byte> CaseId => [0xC0, 0x4F, 0x02, 0x26, 0xE7, 0xE5, 0x70];

    internal static OperationContext ContextOf(OperationRequest request)
        => new(request, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);

    internal static VolumeSpec Spec(VolumeName name) => new() { Name = name, Form = VolumeForm.Block, Size = Size };

    /// <summary>Makes a block volume of <see cref="Size"/>.</summary>
    internal static async Task<OperationRequest> MakeAsync(IStoragePool pool, RunPlan run, VolumeName name, CancellationToken cancellationToken)
    {
        OperationRequest request = NewRequest(name);
        await run(await pool.PlanCreateAsync(Spec(name), cancellationToken), request, cancellationToken);
        return request;
    }

    internal static async Task<VolumeInfo> FoundAsync(IStoragePool pool, VolumeName name, CancellationToken cancellationToken)
        => await pool.FindVolumeAsync(name, cancellationToken) ?? throw new ConformanceException($"{name} is not found");

    /// <summary>Writes a page of <paramref name="value"/>, and flushes.</summary>
    internal static async Task WriteAsync(IStoragePool pool, VolumeName name, long offset, byte value, CancellationToken cancellationToken)
    {
        await using IBlockSource blocks = await pool.OpenBlocksAsync(name, BlockAccess.ReadWrite, cancellationToken);
        await blocks.WriteAsync(offset, Page(value), WriteDurability.Cached, cancellationToken);
        await blocks.FlushAsync(cancellationToken);
    }

    /// <summary>Requires a page of <paramref name="value"/>, read by an opening of its own.</summary>
    internal static async Task RequirePageAsync(IStoragePool pool, VolumeName name, long offset, byte value, CancellationToken cancellationToken)
    {
        await using IBlockSource blocks = await pool.OpenBlocksAsync(name, BlockAccess.Read, cancellationToken);
        await RequirePageAsync(blocks, offset, value, cancellationToken);
    }

    internal static async Task RequirePageAsync(IBlockSource blocks, long offset, byte value, CancellationToken cancellationToken)
    {
        byte[] page = new byte[4096];
        await blocks.ReadAsync(offset, page, cancellationToken);
        Require(page.AsSpan().SequenceEqual(Page(value)), $"the bytes at {offset} are {page[0]:x2}…, not {value:x2}…");
    }

    internal static byte[] Page(byte value)
    {
        byte[] page = new byte[4096];
        Array.Fill(page, value);
        return page;
    }

    internal static async Task RequireAsync(StorageErrorKind kind, Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (StorageException e)
        {
            Require(e.Kind == kind, $"{e.Kind} was reported and not {kind} ({e.Message})");
            return;
        }

        throw new ConformanceException($"no {kind} was reported");
    }

    internal static void RequireNone(IEnumerable<StorageStep> steps, string otherwise)
        => Require(!steps.Any(), $"{string.Join(", ", steps.Select(s => s.Title))}: {otherwise}");

    internal static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new ConformanceException(otherwise);
        }
    }
}
