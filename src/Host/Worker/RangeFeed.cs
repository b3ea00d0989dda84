using System.IO.Pipes;
using System.Runtime.InteropServices;
using EveStorage.Host.Urls;

namespace EveStorage.Host.Worker;

/// <summary>Reads for a worker what it asks for of an image at a URL.</summary>
internal sealed class RangeFeed(UrlImage image) : IDisposable
{
    private readonly AnonymousPipeServerStream _pipe = new(PipeDirection.Out);

    /// <summary>What the worker reads.</summary>
    internal SafeHandle Reader => _pipe.ClientSafePipeHandle;

    /// <summary>Begins. The worker has its end by now, and ours of it is closed.</summary>
    internal void Start() => _pipe.DisposeLocalCopyOfClientHandle();

    /// <summary>Passes on what was asked for.</summary>
    /// <exception cref="StorageException">It can't be fetched, or no worker of ours asks so.</exception>
    internal async Task ServeAsync(ByteRange wanted, CancellationToken cancellationToken)
    {
        if (wanted.Length is < 1 or > ByteRange.Most || wanted.Offset < 0 || wanted.Offset > image.Length.Bytes - wanted.Length)
        {
            throw new StorageException(StorageErrorKind.Corrupt, image.Name, $"made its worker ask for {wanted.Length} bytes at {wanted.Offset}");
        }

        try
        {
            for (int passed = 0; passed < wanted.Length;)
            {
                ReadOnlyMemory<byte> bytes = await image.ReadAsync(wanted.Offset + passed, wanted.Length - passed, cancellationToken);
                await _pipe.WriteAsync(bytes, cancellationToken);
                passed += bytes.Length;
            }
        }
        catch (IOException)
        {
            // The worker has ended: how is told where that is seen.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _pipe.Dispose();
}
