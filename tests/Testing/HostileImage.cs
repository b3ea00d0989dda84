using System.Buffers.Binary;
using System.Text;

namespace EveStorage.Testing;

/// <summary>A qcow2 that has to be refused, and how.</summary>
/// <param name="Name">What is wrong with it.</param>
/// <param name="Bytes">The image.</param>
/// <param name="Kind">The kind that a refusal has.</param>
/// <param name="Sentence">A part of what it says.</param>
public sealed record HostileImage(string Name, byte[] Bytes, StorageErrorKind Kind, string Sentence)
{
    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>
/// A sound version 3 image of two clusters of 64 KiB to be made hostile: the header, L1 table, L2 table and the data of each a
/// cluster, and the refcount table behind.
/// </summary>
public sealed class ImageMutant
{
    /// <summary>The length of a cluster.</summary>
    public const int Cluster = 65536;

    /// <summary>Where the L1 table is.</summary>
    public const int L1 = Cluster;

    /// <summary>Where the L2 table is.</summary>
    public const int L2 = 2 * Cluster;

    /// <summary>Where the data begins.</summary>
    public const int Data = 3 * Cluster;

    /// <summary>The bit of an L2 entry that is compressed.</summary>
    public const ulong Compressed = 1UL << 62;

    /// <summary>Makes the sound one.</summary>
    public ImageMutant()
    {
        U32(0, 0x514649fb).U32(4, 3).U32(20, 16).U64(24, 2 * Cluster).U32(36, 1).U64(40, L1).U64(48, 5 * Cluster).U32(56, 1).U32(96, 4).U32(100, 104);
        U64(L1, L2).U64(L2, Data).U64(L2 + 8, Data + Cluster);
        Bytes.AsSpan(Data, 2 * Cluster).Fill(7);
    }

    /// <summary>The image.</summary>
    public byte[] Bytes { get; private set; } = new byte[6 * Cluster];

    /// <summary>Writes a number of 32 bits.</summary>
    public ImageMutant U32(int at, uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(Bytes.AsSpan(at), value);
        return this;
    }

    /// <summary>Writes a number of 64 bits.</summary>
    public ImageMutant U64(int at, ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(Bytes.AsSpan(at), value);
        return this;
    }

    /// <summary>Writes bytes.</summary>
    public ImageMutant Put(int at, params byte[] bytes)
    {
        bytes.CopyTo(Bytes, at);
        return this;
    }

    /// <summary>Writes a header extension.</summary>
    public ImageMutant Extension(int at, uint type, string content, uint? length = null)
    {
        Encoding.Latin1.GetBytes(content).CopyTo(Bytes, at + 8);
        return U32(at, type).U32(at + 4, length ?? (uint)content.Length);
    }

    /// <summary>Names a backing file.</summary>
    public ImageMutant Backing(string name, int at = 512, uint? length = null)
    {
        Encoding.Latin1.GetBytes(name).CopyTo(Bytes, at);
        return U64(8, (ulong)at).U32(16, length ?? (uint)name.Length);
    }

    /// <summary>Cuts the file.</summary>
    public ImageMutant Cut(int length)
    {
        Bytes = Bytes[..length];
        return this;
    }

    /// <summary>Makes the clusters 512 bytes, in a file where each table has its place.</summary>
    public ImageMutant Small() => U32(20, 9).U64(24, 1024).U64(40, 512).U64(48, 4096).U64(512, 1024).U64(1024, 1536).U64(1032, 2048);
}
