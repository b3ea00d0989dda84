namespace EveStorage;

/// <summary>What an opened block source may do.</summary>
public enum BlockAccess
{
    /// <summary>Only read.</summary>
    Read,

    /// <summary>Read and change.</summary>
    ReadWrite,
}

/// <summary>When a write is safe.</summary>
public enum WriteDurability
{
    /// <summary>With the next flush.</summary>
    Cached,

    /// <summary>When the write returns: force unit access.</summary>
    Stable,
}

/// <summary>
/// Blocks to read and write. Safe for many calls at once; offsets and lengths are multiples of 512. Every failure is a
/// <see cref="StorageException"/>: no room is <see cref="StorageErrorKind.OutOfSpace"/>, a failed device <see cref="StorageErrorKind.Io"/>.
/// </summary>
/// <remarks>
/// Reads, stable writes, discards, zeroes and flushes may keep the calling thread until the device has answered, and complete
/// before they return: whoever must not wait asks <see cref="TryRead"/> first, and has threads of its own for the rest. A
/// cached write copies, and waits only where the kernel has it wait, unless <see cref="WritesWait"/>. Flushes that wait together may share one.
/// </remarks>
public interface IBlockSource : IAsyncDisposable
{
    /// <summary>Its size now; it grows with the volume.</summary>
    ByteSize Size { get; }

    /// <summary>
    /// Whether cached writes keep the calling thread until the device has answered, too, since nothing keeps them in memory. It stays the same
    /// while the source is open, and a source over another has to pass it on: who must not wait writes on threads of its own then.
    /// </summary>
    bool WritesWait => false;

    /// <summary>Fills <paramref name="destination"/> from <paramref name="offset"/> if that needs no waiting for a device; else false, and its content is undefined.</summary>
    bool TryRead(long offset, Span<byte> destination);

    /// <summary>Fills <paramref name="destination"/> from <paramref name="offset"/>.</summary>
    ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>Writes <paramref name="source"/>. It survives a crash when <paramref name="durability"/> says so.</summary>
    ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken);

    /// <summary>
    /// Makes all that was written before survive a crash. Once it failed it fails for ever: what the kernel dropped is not
    /// written by trying again.
    /// </summary>
    ValueTask FlushAsync(CancellationToken cancellationToken);

    /// <summary>Says that these bytes are not needed, so that the pool gets their space back; reading them then returns zeros or what was there.</summary>
    ValueTask DiscardAsync(long offset, long length, CancellationToken cancellationToken);

    /// <summary>Makes these bytes read as zero, keeping no more space than that needs.</summary>
    ValueTask WriteZeroesAsync(long offset, long length, CancellationToken cancellationToken);
}
