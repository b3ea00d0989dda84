using System.Buffers.Binary;

namespace EveStorage.Host.Worker;

/// <summary>What a host asks of a worker that serves an image: some of its disk.</summary>
/// <param name="Id">The host's number for it.</param>
/// <param name="Offset">The first byte.</param>
/// <param name="Length">How many bytes at most.</param>
/// <param name="Most">How many at most where all of them are zero, which are then only counted.</param>
internal readonly record struct ReadRequest(uint Id, long Offset, int Length, long Most)
{
    /// <summary>Its length. Less than PIPE_BUF, so that it is written at once: pipe(7).</summary>
    internal const int Size = 24;

    /// <summary>The most bytes that are asked for.</summary>
    internal const int MaxLength = 1 << 20;

    /// <summary>Reads one.</summary>
    internal static ReadRequest Of(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
        BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]));

    /// <summary>Writes it.</summary>
    internal void WriteTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Id);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], Offset);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], Most);
    }
}

/// <summary>What an answer has.</summary>
internal enum ReadKind
{
    /// <summary>Bytes, which follow.</summary>
    Data,

    /// <summary>Zeros, and none follow.</summary>
    Zero,

    /// <summary>Why they can't be read, as an error's document, which follows.</summary>
    Refused,
}

/// <summary>The head of a worker's answer. It may have fewer bytes than were asked for, and has at least one.</summary>
/// <param name="Id">The host's number.</param>
/// <param name="Kind">What it has.</param>
/// <param name="Length">How many bytes.</param>
internal readonly record struct ReadAnswer(uint Id, ReadKind Kind, long Length)
{
    /// <summary>Its length, without what follows.</summary>
    internal const int Size = 16;

    /// <summary>The longest document of an error.</summary>
    internal const int MaxRefusal = 4096;

    /// <summary>Reads one.</summary>
    internal static ReadAnswer Of(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        (ReadKind)BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]));

    /// <summary>Writes it.</summary>
    internal void WriteTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Id);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], (uint)Kind);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], Length);
    }
}
