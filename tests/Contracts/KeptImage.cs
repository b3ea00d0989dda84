using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using EveStorage;

namespace Kept.Files;

/// <summary>A format with a head and the disk behind it, which is read and written.</summary>
internal sealed class KeptImage : IImageWriter
{
    internal const int HeadLength = 4096;

    private const int Step = 1 << 20;

    public ImageFormatCapabilities Capabilities { get; } = new() { SignatureLength = 8 };

    public bool Recognizes(ReadOnlySpan<byte> head) => head.StartsWith("KEPTDISK"u8);

    public async ValueTask<IImageReader> OpenAsync(IImageSource source, CancellationToken cancellationToken)
    {
        byte[] head = new byte[HeadLength];
        if (await source.ReadAsync(0, head, cancellationToken) == HeadLength && Recognizes(head))
        {
            return new Reader(source, new(BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(8))));
        }

        await source.DisposeAsync();
        throw new StorageException(StorageErrorKind.Corrupt, source.Name, "has no head");
    }

    public async ValueTask WriteAsync(SavedVolume volume, Stream image, IProgress<ByteSize> progress, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[Step];
        "KEPTDISK"u8.CopyTo(bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), volume.Blocks.Size.Bytes);
        await image.WriteAsync(bytes.AsMemory(0, HeadLength), cancellationToken);
        for (long at = 0; at < volume.Blocks.Size.Bytes; at += Step)
        {
            Memory<byte> part = bytes.AsMemory(0, (int)Math.Min(Step, volume.Blocks.Size.Bytes - at));
            await volume.Blocks.ReadAsync(at, part, cancellationToken);
            await image.WriteAsync(part, cancellationToken);
            progress.Report(new(at + part.Length));
        }
    }

    private sealed class Reader(IImageSource source, ByteSize size) : ISeekableImageReader
    {
        public ByteSize VirtualSize => size;

        public IReadOnlyDictionary<string, string> Details { get; } = new Dictionary<string, string> { ["kept"] = "yes" };

        public async IAsyncEnumerable<ImageExtent> ReadExtentsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            for (long at = 0; at < size.Bytes; at += Step)
            {
                yield return await LookupAsync(at, cancellationToken);
            }
        }

        public ValueTask<ImageExtent> LookupAsync(long guestOffset, CancellationToken cancellationToken)
        {
            long length = Math.Min(Step - (guestOffset % Step), size.Bytes - guestOffset);
            return new(new ImageExtent(guestOffset, length, ExtentKind.Data, HeadLength + guestOffset, length, ExtentEncoding.Plain));
        }

        public void Decode(in ImageExtent extent, ReadOnlySpan<byte> from, Span<byte> target) => from.CopyTo(target);

        public ValueTask DisposeAsync() => source.DisposeAsync();
    }
}
