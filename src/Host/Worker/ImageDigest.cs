using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace EveStorage.Host.Worker;

/// <summary>The digest of a disk as it is in the image and as it is in the volume, both read once more, from the first byte to the last.</summary>
internal static class ImageDigest
{
    private const int Step = 1 << 20;

    /// <summary>Compares, and gives back the digest: SHA-256 of the disk's bytes, as <c>sha256sum</c> has it of a raw image.</summary>
    /// <exception cref="StorageException">They differ, or the image can't be read in order.</exception>
    internal static async Task<string> CompareAsync(
        IImageReader reader, IImageSource source, SparseTarget target, Action<WorkerProgress> progress, CancellationToken cancellationToken)
    {
        using IncrementalHash image = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IncrementalHash volume = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using PieceReader piece = new(reader, source);
        byte[] zeros = new byte[Step];
        byte[] held = new byte[Step];
        long at = 0;
        await foreach (ImageExtent extent in InOrderAsync(reader, source, cancellationToken))
        {
            image.AppendData(extent.Kind == ExtentKind.Data
                ? (await piece.ReadAsync(extent, cancellationToken)).Span
                : zeros.AsSpan(0, (int)extent.Length));
            for (long end = at + extent.Length; at < end;)
            {
                Memory<byte> next = held.AsMemory(0, (int)Math.Min(Step, end - at));
                target.Read(at, next.Span);
                volume.AppendData(next.Span);
                at += next.Length;
            }

            progress(new(WorkerPhase.Compare, new(at), reader.VirtualSize));
        }

        string digest = Convert.ToHexStringLower(image.GetHashAndReset());
        return digest == Convert.ToHexStringLower(volume.GetHashAndReset())
            ? digest
            : throw new StorageException(StorageErrorKind.Corrupt, source.Name, "reads otherwise from the volume than from the image: check the drive");
    }

    // From the first byte of the disk to the last, in steps: by looking up where we are, or as the reader gives them where it
    // gives them so.
    private static async IAsyncEnumerable<ImageExtent> InOrderAsync(IImageReader reader, IImageSource source, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long size = reader.VirtualSize.Bytes;
        long at = 0;
        if (reader is ISeekableImageReader seekable)
        {
            while (at < size)
            {
                cancellationToken.ThrowIfCancellationRequested();
                ImageExtent extent = Cut(await seekable.LookupAsync(at, cancellationToken), at);
                yield return extent;
                at += extent.Length;
            }

            yield break;
        }

        await foreach (ImageExtent extent in reader.ReadExtentsAsync(cancellationToken))
        {
            if (extent.GuestOffset != at || !source.CanSeek)
            {
                throw new StorageException(StorageErrorKind.NotSupported, source.Name, "can't be read twice in the order of its disk, so that it can't be verified");
            }

            for (long end = at + extent.Length; at < end;)
            {
                ImageExtent piece = Cut(extent, at);
                yield return piece;
                at += piece.Length;
            }
        }
    }

    // A plain or empty extent is cut to a step's length; an encoded one is decoded whole and always begins where we are.
    private static ImageExtent Cut(ImageExtent extent, long at)
    {
        if (extent.Encoding != ExtentEncoding.Plain)
        {
            return extent;
        }

        long skipped = at - extent.GuestOffset;
        long length = Math.Min(Step, extent.Length - skipped);
        return extent with
        {
            GuestOffset = at,
            Length = length,
            SourceOffset = extent.SourceOffset + skipped,
            SourceLength = Math.Clamp(extent.SourceLength - skipped, 0, length),
        };
    }
}
