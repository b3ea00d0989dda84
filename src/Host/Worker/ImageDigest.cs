using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace EveStorage.Host.Worker;

/// <summary>The digest of a disk as it is in the image and as it is in the volume, both read once more, from the first byte to the last.</summary>
internal static class ImageDigest
{
    private const int Step = 1 << 20;

    /// <summary>Compares, and gives back the digest: SHA-256 of the disk's bytes, as <c>sha256sum</c> has it of a raw image.</summary>
    /// <exception cref="StorageException">They differ, or the image is a stream, which can't be read twice.</exception>
    internal static async Task<string> CompareAsync(
        LayeredDisk disk, SparseTarget target, Action<WorkerProgress> progress, CancellationToken cancellationToken)
    {
        using IncrementalHash image = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IncrementalHash volume = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using PieceReader piece = new(disk);
        byte[] zeros = new byte[Step];
        byte[] held = new byte[Step];
        long at = 0;
        await foreach (DiskPiece run in InOrderAsync(disk, cancellationToken))
        {
            image.AppendData(run.IsData ? (await piece.ReadAsync(run, cancellationToken)).Span : zeros.AsSpan(0, (int)run.Length));
            for (long end = at + run.Length; at < end;)
            {
                Memory<byte> next = held.AsMemory(0, (int)Math.Min(Step, end - at));
                target.Read(at, next.Span);
                volume.AppendData(next.Span);
                at += next.Length;
            }

            progress(new(WorkerPhase.Compare, new(at), disk.VirtualSize));
        }

        string digest = Convert.ToHexStringLower(image.GetHashAndReset());
        return digest == Convert.ToHexStringLower(volume.GetHashAndReset())
            ? digest
            : throw new StorageException(StorageErrorKind.Corrupt, disk.Layers[0].Data.Name, "reads otherwise from the volume than from the image: check the drive");
    }

    // From the first byte of the disk to the last, in steps: by looking up where we are, or as the reader gives them where it
    // gives them so.
    private static async IAsyncEnumerable<DiskPiece> InOrderAsync(LayeredDisk disk, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long at = 0;
        if (disk.Layers[0].Reader is ISeekableImageReader)
        {
            while (at < disk.VirtualSize.Bytes)
            {
                cancellationToken.ThrowIfCancellationRequested();
                DiskPiece run = Cut(await disk.LookupAsync(at, cancellationToken));
                yield return run;
                at += run.Length;
            }

            yield break;
        }

        await foreach (DiskPiece run in disk.ReadAsync(cancellationToken))
        {
            if (run.GuestOffset != at || !disk.Layers[0].Data.CanSeek)
            {
                throw new StorageException(StorageErrorKind.NotSupported, disk.Layers[0].Data.Name, "can't be read twice in the order of its disk, so that it can't be verified");
            }

            for (long end = at + run.Length; at < end;)
            {
                DiskPiece piece = Cut(run with { GuestOffset = at, Length = end - at });
                yield return piece;
                at += piece.Length;
            }
        }
    }

    // A plain or empty run is cut to a step's length; what is encoded is decoded whole anyway.
    private static DiskPiece Cut(DiskPiece run) => run.IsPlain ? run with { Length = Math.Min(Step, run.Length) } : run;
}
