using System.Buffers.Binary;
using System.Text;

namespace EveStorage.Qcow2Import;

/// <summary>One entry of "Snapshot table": what it is called, and where the L1 table of its disk lies.</summary>
internal sealed record Qcow2Snapshot(ImageSnapshot Snapshot, long L1TableOffset, int L1Entries);

/// <summary>The snapshots in an image. Their tables are only read for who asks.</summary>
internal static class Qcow2Snapshots
{
    private const int FixedLength = 40;
    private const int MaxExtraLength = 1024;
    private const int DiskSizeAt = FixedLength + 8;
    private const int ExtraWithDiskSize = 16;

    /// <summary>All of them.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: an entry can't be, or the file ends within.</exception>
    internal static async Task<IReadOnlyList<Qcow2Snapshot>> ReadAsync(IImageSource source, Qcow2Header header, CancellationToken cancellationToken)
    {
        List<Qcow2Snapshot> snapshots = [];
        long at = header.SnapshotsOffset;
        byte[] head = new byte[FixedLength];
        for (int number = 0; number < header.Snapshots; number++)
        {
            await ReadExactlyAsync(source, at, head, cancellationToken);
            int extra = (int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(36)));
            int names = BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(12)) + BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(14));
            if (extra > MaxExtraLength || at - header.SnapshotsOffset > Qcow2Limits.MaxSnapshotsLength)
            {
                throw Corrupt(source.Name, $"has an impossible snapshot, number {number + 1}");
            }

            byte[] entry = new byte[FixedLength + extra + names];
            head.CopyTo(entry, 0);
            await ReadExactlyAsync(source, at + FixedLength, entry.AsMemory(FixedLength), cancellationToken);
            snapshots.Add(Parse(entry, extra, header, source.Name));
            at += (entry.Length + 7) & ~7;
        }

        return snapshots;
    }

    /// <summary>The header as if the disk were that of a snapshot.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: there is none of that id or name.</exception>
    internal static async Task<Qcow2Header> HeaderOfAsync(IImageSource source, Qcow2Header header, string name, CancellationToken cancellationToken)
    {
        if (header.HasDataFile)
        {
            throw new StorageException(StorageErrorKind.NotSupported, source.Name, "keeps its data in another file, where there are no snapshots");
        }

        // QEMU looks for an id first, too: a name may be another one's id.
        IReadOnlyList<Qcow2Snapshot> all = await ReadAsync(source, header, cancellationToken);
        Qcow2Snapshot found = all.FirstOrDefault(entry => entry.Snapshot.Id == name) ?? all.FirstOrDefault(entry => entry.Snapshot.Name == name)
            ?? throw new StorageException(
                StorageErrorKind.NotFound, source.Name, $"has no snapshot '{name}'; there are {(all.Count > 0 ? string.Join(", ", all.Take(20).Select(entry => entry.Snapshot.Name)) : "none")}");
        long needed = (found.Snapshot.VirtualSize.Bytes + header.L2Coverage - 1) / header.L2Coverage;
        return needed <= found.L1Entries
            ? header with { VirtualSize = found.Snapshot.VirtualSize, L1TableOffset = found.L1TableOffset, L1Entries = found.L1Entries }
            : throw Corrupt(source.Name, $"has a snapshot '{name}' whose tables are too short for its disk");
    }

    private static Qcow2Snapshot Parse(ReadOnlySpan<byte> entry, int extra, Qcow2Header header, string subject)
    {
        ulong l1Offset = BinaryPrimitives.ReadUInt64BigEndian(entry);
        uint l1Entries = BinaryPrimitives.ReadUInt32BigEndian(entry[8..]);
        int idLength = BinaryPrimitives.ReadUInt16BigEndian(entry[12..]);
        uint seconds = BinaryPrimitives.ReadUInt32BigEndian(entry[16..]);
        ulong size = extra >= ExtraWithDiskSize ? BinaryPrimitives.ReadUInt64BigEndian(entry[DiskSizeAt..]) & ~511UL : (ulong)header.VirtualSize.Bytes;
        if (!Qcow2Limits.AllowsL1(l1Offset, l1Entries, header.ClusterBits) || !Qcow2Limits.AllowsSize(size))
        {
            throw Corrupt(subject, "has a snapshot with an impossible L1 table");
        }

        ReadOnlySpan<byte> names = entry[(FixedLength + extra)..];
        ImageSnapshot snapshot = new(
            TextOf(names[..idLength]), TextOf(names[idLength..]), new((long)size), DateTimeOffset.FromUnixTimeSeconds(seconds));
        return new(snapshot, (long)l1Offset, (int)l1Entries);
    }

    // Nobody but a person reads it: what is no text shows as that.
    private static string TextOf(ReadOnlySpan<byte> bytes)
        => string.Concat(Encoding.UTF8.GetString(bytes).Select(letter => char.IsControl(letter) ? '\uFFFD' : letter));

    private static async Task ReadExactlyAsync(IImageSource source, long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        if (await source.ReadAsync(offset, target, cancellationToken) != target.Length)
        {
            throw Corrupt(source.Name, "ends within its table of snapshots");
        }
    }

    private static StorageException Corrupt(string subject, string message) => new(StorageErrorKind.Corrupt, subject, message);
}
