using System.Buffers.Binary;
using System.Security.Cryptography;

namespace EveStorage.Lvm;

/// <summary>One copy: a page that says what follows, and the document. Integers are little-endian.</summary>
/// <param name="Generation">How often the slot was written: the larger is the newer.</param>
/// <param name="Id">Whose.</param>
/// <param name="Document">The document.</param>
internal sealed record RecordCopy(ulong Generation, Guid Id, byte[] Document)
{
    private const int Format = 1;
    private const int Page = 4096;
    private const int DigestAt = 40;

    private static ReadOnlySpan<byte> Magic => "EVERECRD"u8;

    /// <summary>Writes a copy, whose document begins on the second page.</summary>
    internal static void Write(Span<byte> bytes, RecordCopy copy)
    {
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], Format);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], copy.Document.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], copy.Generation);
        copy.Id.TryWriteBytes(bytes[24..]);
        if (copy.Document.Length > 0)
        {
            copy.Document.CopyTo(bytes[Page..]);
        }

        Digest(bytes, copy.Document.Length, bytes.Slice(DigestAt, SHA256.HashSizeInBytes));
    }

    /// <summary>What a page says of itself; null when it is none of ours, or impossible.</summary>
    internal static RecordCopy? ReadHead(ReadOnlySpan<byte> page, out int length)
    {
        length = BinaryPrimitives.ReadInt32LittleEndian(page[12..]);
        return page.StartsWith(Magic) && length is >= 0 and <= VolumeDocument.MaxLength
            ? new(BinaryPrimitives.ReadUInt64LittleEndian(page[16..]), new Guid(page.Slice(24, 16)), [])
            : null;
    }

    /// <summary>A copy; null when it is damaged.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: a newer program wrote it.</exception>
    internal static RecordCopy? Read(ReadOnlySpan<byte> bytes, string subject)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        if (ReadHead(bytes, out int length) is not RecordCopy head || bytes.Length < Page + length)
        {
            return null;
        }

        Digest(bytes, length, digest);
        if (!bytes.Slice(DigestAt, SHA256.HashSizeInBytes).SequenceEqual(digest))
        {
            return null;
        }

        uint format = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        return format == Format
            ? head with { Document = bytes.Slice(Page, length).ToArray() }
            : throw new StorageException(StorageErrorKind.NotSupported, subject, $"has records of format {format}; this program reads {Format}");
    }

    private static void Digest(ReadOnlySpan<byte> bytes, int length, Span<byte> digest)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(bytes[..DigestAt]);
        hash.AppendData(length == 0 ? [] : bytes.Slice(Page, length));
        hash.GetHashAndReset(digest);
    }
}
