namespace EveStorage.Lvm;

/// <summary>Where the records lie: a logical volume, or in a test a disk that fails.</summary>
internal interface IRecordDisk
{
    /// <summary>Its length.</summary>
    long Length { get; }

    /// <summary>Fills <paramref name="destination"/>.</summary>
    void Read(long offset, Span<byte> destination);

    /// <summary>Writes <paramref name="source"/>; a crash may leave any part of it.</summary>
    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Makes what was written before survive a crash.</summary>
    void Flush();
}
