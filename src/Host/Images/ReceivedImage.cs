using System.Security.Cryptography;
using EveStorage.Linux;

namespace EveStorage.Host.Images;

/// <summary>An image as a pool reads it that takes its format in by itself. What is read in order is summed up on its way. One reader at a time.</summary>
internal sealed class ReceivedImage : IImageSource
{
    private const int Step = 1 << 20;

    private readonly ImageInput _image;
    private readonly StreamInput? _pipe;
    private readonly IncrementalHash _digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _summed;

    /// <summary>Reads <paramref name="image"/>, which stays the caller's.</summary>
    internal ReceivedImage(ImageInput image)
    {
        _image = image;
        _pipe = image.IsPipe ? new(image.Handle, image.Name) : null;
        Length = image.Ranges is not null ? image.Ranges.Length.Bytes : image.IsPipe ? null : ExistingFile.LengthOf(image.Handle, image.Name).Bytes;
    }

    /// <inheritdoc/>
    public string Name => _image.Name;

    /// <inheritdoc/>
    public long? Length { get; }

    /// <inheritdoc/>
    public bool CanSeek => _pipe is null;

    /// <inheritdoc/>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (_pipe is not null && offset != _summed)
        {
            throw new StorageException(StorageErrorKind.NotSupported, Name, $"comes through a pipe, and what lies at {offset} was asked for: write it to a file first");
        }

        int read = 0;
        while (read < destination.Length)
        {
            int taken = await ReadOnceAsync(offset + read, destination[read..], cancellationToken);
            if (taken == 0)
            {
                break;
            }

            read += taken;
        }

        if (offset == _summed)
        {
            _digest.AppendData(destination.Span[..read]);
            _summed += read;
        }

        return read;
    }

    /// <summary>The SHA-256 of all of it: what was not read in order is read once more.</summary>
    internal async Task<string> DigestAsync(Action<ByteSize> progress, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[Step];
        while (await ReadAsync(_summed, buffer, cancellationToken) > 0)
        {
            progress(new(_summed));
        }

        return Convert.ToHexStringLower(_digest.GetCurrentHash());
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _pipe?.Dispose();
        _digest.Dispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask<int> ReadOnceAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (_image.Ranges is not null)
        {
            if (offset >= Length)
            {
                return 0;
            }

            ReadOnlyMemory<byte> range = await _image.Ranges.ReadAsync(offset, destination.Length, cancellationToken);
            range.CopyTo(destination);
            return range.Length;
        }

        if (_pipe is null)
        {
            return FileCalls.Run(Name, () => RandomAccess.Read(_image.Handle, destination.Span, offset));
        }

        // A pipe is waited for by a thread, which must not be one that somebody else waits for.
        using CancellationTokenRegistration stopped = cancellationToken.Register(_pipe.Stop);
        int read = await Task.Factory.StartNew(() => _pipe.Read(destination.Span), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        cancellationToken.ThrowIfCancellationRequested();
        return read > 0 || _image.Stream?.Failure is not StorageException failure ? read : throw failure;   // to who reads a pipe, its end looks the same
    }
}
