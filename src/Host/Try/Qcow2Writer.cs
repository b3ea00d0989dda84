using System.Buffers.Binary;

namespace EveStorage.Host.Try;

/// <summary>
/// Writes a disk as qcow2, version 3 with clusters of 64 KiB (docs/interop/qcow2.txt): header, refcount table, refcount
/// blocks, L1 table, L2 tables, then the clusters that are not all zero, each of these at the next whole cluster.
/// </summary>
internal static class Qcow2Writer
{
    private const int ClusterBits = 16;
    private const int ClusterSize = 1 << ClusterBits;
    private const int L2Entries = ClusterSize / sizeof(ulong);
    private const int RefcountsInBlock = ClusterSize / sizeof(ushort);
    private const ulong Copied = 1UL << 63;

    /// <summary>Writes all of <paramref name="disk"/>, whose length is at most what one refcount table and one L1 cluster map: 4 TiB.</summary>
    internal static void Write(Stream disk, Stream image)
    {
        int clusters = (int)((disk.Length + ClusterSize - 1) / ClusterSize);
        int tables = (clusters + L2Entries - 1) / L2Entries;

        // Enough for all clusters to be data; what is not used stays counted as free.
        int refcountBlocks = (clusters + tables + 3) / RefcountsInBlock + 1;
        int l1At = 2 + refcountBlocks;
        int l2At = l1At + 1;
        int next = l2At + tables;

        byte[] l2 = new byte[tables * ClusterSize];
        byte[] cluster = new byte[ClusterSize];
        for (int index = 0; index < clusters; index++)
        {
            Array.Clear(cluster);
            disk.ReadAtLeast(cluster, ClusterSize, throwOnEndOfStream: false);
            if (cluster.AsSpan().ContainsAnyExcept((byte)0))
            {
                PutU64(l2, index, (ulong)next << ClusterBits | Copied);
                image.Position = (long)next++ << ClusterBits;
                image.Write(cluster);
            }
        }

        WriteAt(image, 0, Header(disk.Length, l1At, tables));
        WriteAt(image, 1, Table(Enumerable.Range(2, refcountBlocks).Select(at => (ulong)at << ClusterBits)));
        WriteAt(image, l1At, Table(Enumerable.Range(l2At, tables).Select(at => (ulong)at << ClusterBits | Copied)));
        WriteAt(image, l2At, l2);
        WriteAt(image, 2, Refcounts(refcountBlocks, used: next));
        image.SetLength((long)next << ClusterBits);
    }

    private static byte[] Header(long size, int l1At, int tables)
    {
        byte[] header = new byte[ClusterSize];
        PutU32(header, 0, 0x514649fb);
        PutU32(header, 4, 3);
        PutU32(header, 20, ClusterBits);
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(24), (ulong)size);
        PutU32(header, 36, (uint)tables);
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(40), (ulong)l1At << ClusterBits);
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(48), 1UL << ClusterBits);
        PutU32(header, 56, 1);     // clusters of the refcount table
        PutU32(header, 96, 4);     // refcounts of 16 bits
        PutU32(header, 100, 104);  // the header's length
        return header;
    }

    private static byte[] Table(IEnumerable<ulong> entries)
    {
        byte[] table = new byte[ClusterSize];
        int index = 0;
        foreach (ulong entry in entries)
        {
            PutU64(table, index++, entry);
        }

        return table;
    }

    private static byte[] Refcounts(int blocks, int used)
    {
        byte[] refcounts = new byte[blocks * ClusterSize];
        for (int cluster = 0; cluster < used; cluster++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(refcounts.AsSpan(cluster * sizeof(ushort)), 1);
        }

        return refcounts;
    }

    private static void WriteAt(Stream image, int cluster, byte[] bytes)
    {
        image.Position = (long)cluster << ClusterBits;
        image.Write(bytes);
    }

    private static void PutU32(byte[] bytes, int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(at), value);

    private static void PutU64(byte[] bytes, int index, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(index * sizeof(ulong)), value);
}
