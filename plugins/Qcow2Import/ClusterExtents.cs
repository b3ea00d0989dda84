namespace EveStorage.Qcow2Import;

/// <summary>What the entries of L2 tables are on the disk.</summary>
internal static class ClusterExtents
{
    /// <summary>How many entries of a table the disk needs: the last one may need fewer.</summary>
    internal static int EntriesOf(Qcow2Header header, int index)
        => (int)Math.Min(header.L2Entries, (header.VirtualSize.Bytes - (index * header.L2Coverage) + header.ClusterSize - 1) >> header.ClusterBits);

    /// <summary>What a table that is not there is.</summary>
    internal static ImageExtent HoleOf(Qcow2Header header, int index)
        => Clip(header, new(index * header.L2Coverage, header.L2Coverage, ExtentKind.Hole, 0, 0, ExtentEncoding.Plain));

    /// <summary>What entries that map nothing are.</summary>
    internal static ImageExtent HoleOf(Qcow2Header header, int index, int entry, int count)
        => Clip(header, new(GuestOffsetOf(header, index, entry), (long)count << header.ClusterBits, ExtentKind.Hole, 0, 0, ExtentEncoding.Plain));

    /// <summary>How many entries from <paramref name="entry"/> on map nothing: most of the table of a sparse disk, and all zeros.</summary>
    internal static int EmptyFrom(Qcow2Header header, ReadOnlySpan<byte> table, int entry, int entries)
    {
        ReadOnlySpan<byte> left = table[(entry * header.L2EntryLength)..(entries * header.L2EntryLength)];
        int used = left.IndexOfAnyExcept((byte)0);
        return used < 0 ? entries - entry : used / header.L2EntryLength;
    }

    /// <summary>The extents of one entry.</summary>
    internal static IEnumerable<ImageExtent> Of(Qcow2Header header, Qcow2Cluster cluster, int index, int entry)
    {
        long guest = GuestOffsetOf(header, index, entry);
        if (cluster.IsCompressed)
        {
            ExtentEncoding encoding = header.Compression == Qcow2Compression.Zstd ? ExtentEncoding.Zstd : ExtentEncoding.Deflate;
            yield return Clip(header, new(guest, header.ClusterSize, ExtentKind.Data, cluster.Offset, cluster.CompressedLength, encoding));
            yield break;
        }

        int partLength = header.ClusterSize / Qcow2Cluster.Parts;
        for (int part = 0; part < Qcow2Cluster.Parts;)
        {
            ExtentKind kind = cluster.KindOf(part);
            int end = part + 1;
            while (end < Qcow2Cluster.Parts && cluster.KindOf(end) == kind)
            {
                end++;
            }

            long at = guest + ((long)part * partLength);
            long length = (long)(end - part) * partLength;
            if (at < header.VirtualSize.Bytes)
            {
                yield return kind == ExtentKind.Data
                    ? Clip(header, new(at, length, kind, cluster.Offset + ((long)part * partLength), length, ExtentEncoding.Plain))
                    : Clip(header, new(at, length, kind, 0, 0, ExtentEncoding.Plain));
            }

            part = end;
        }
    }

    /// <summary>Where an entry's cluster begins on the disk.</summary>
    internal static long GuestOffsetOf(Qcow2Header header, int index, int entry) => (index * header.L2Coverage) + ((long)entry << header.ClusterBits);

    /// <summary>Refuses a plain extent of which the file has less than it should: only its last cluster may be cut short.</summary>
    /// <param name="header">The header.</param>
    /// <param name="extent">The extent.</param>
    /// <param name="read">How much of it was read.</param>
    /// <param name="length">The length of the file that has it; null when that is not known.</param>
    /// <param name="subject">The image.</param>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: the file is shorter than that.</exception>
    internal static void RequireWhole(Qcow2Header header, in ImageExtent extent, int read, long? length, string subject)
    {
        if (extent.Encoding != ExtentEncoding.Plain || read >= extent.SourceLength)
        {
            return;
        }

        long end = extent.SourceOffset + read;
        bool inLast = length is long known ? end >= known
            : read > 0 && (end - 1) >> header.ClusterBits == (extent.SourceOffset + extent.SourceLength - 1) >> header.ClusterBits;
        if (!inLast)
        {
            throw new StorageException(StorageErrorKind.Corrupt, subject, $"ends at {end}, before its data does: it was cut short");
        }
    }

    // The last cluster may reach beyond the disk.
    private static ImageExtent Clip(Qcow2Header header, ImageExtent extent)
    {
        long length = Math.Min(extent.Length, header.VirtualSize.Bytes - extent.GuestOffset);
        return extent with { Length = length, SourceLength = extent.Encoding == ExtentEncoding.Plain ? Math.Min(extent.SourceLength, length) : extent.SourceLength };
    }
}
