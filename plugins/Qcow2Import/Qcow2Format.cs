using System.Buffers.Binary;

namespace EveStorage.Qcow2Import;

/// <summary>QEMU's copy-on-write format, versions 2 and 3: one file, without a backing file, an external data file or encryption.</summary>
internal sealed class Qcow2Format : IImageFormat
{
    /// <inheritdoc/>
    public int SignatureLength => sizeof(uint);

    /// <inheritdoc/>
    public bool Recognizes(ReadOnlySpan<byte> head)
        => head.Length >= sizeof(uint) && BinaryPrimitives.ReadUInt32BigEndian(head) == Qcow2Header.Magic;

    /// <inheritdoc/>
    public async ValueTask<IImageReader> OpenAsync(IImageSource source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        try
        {
            if (!source.CanSeek || source.Length is not long length)
            {
                throw new StorageException(StorageErrorKind.NotSupported, source.Name, "is a stream, and a qcow2 is read out of order: give a file");
            }

            byte[] head = new byte[Qcow2HeaderView.MaxLength];
            int read = await source.ReadAsync(0, head, cancellationToken);
            Qcow2Header header = Qcow2Header.Parse(head.AsSpan(0, read), source.Name);
            Qcow2Tables tables = await Qcow2Tables.OpenAsync(source, length, header, cancellationToken);
            return new Qcow2Reader(source, header, tables);
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }
}
