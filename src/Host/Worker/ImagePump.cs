using System.Buffers;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using EveStorage.Host.Images;
using EveStorage.Linux;

namespace EveStorage.Host.Worker;

/// <summary>
/// Passes an image that comes through a pipe on to a worker, and sees each byte of it: for its digest, and for a second worker,
/// which gets what the first has looked at again.
/// </summary>
internal sealed class ImagePump : IAsyncDisposable
{
    private const int Step = 1 << 18;

    // A header, and what a compressed stream holds back before it gives one.
    private const int MostLooked = 16 << 20;

    private readonly ImageInput _input;
    private volatile bool _isLook;
    private readonly StreamInput _source;
    private readonly AnonymousPipeServerStream _pipe = new(PipeDirection.Out);
    private readonly IncrementalHash _digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private Task _pumping = Task.CompletedTask;

    /// <summary>Makes the pipe.</summary>
    /// <param name="input">The image.</param>
    /// <param name="isLook">Whether its worker only looks for now, so that another one may need the same bytes.</param>
    internal ImagePump(ImageInput input, bool isLook)
    {
        _input = input;
        _isLook = isLook;
        _source = new(input.Handle, input.Name);
    }

    /// <summary>Why the image could not be read; null when it could.</summary>
    internal StorageException? Failure { get; private set; }

    /// <summary>What the worker reads.</summary>
    internal SafeHandle Reader => _pipe.ClientSafePipeHandle;

    /// <summary>Begins. The worker has its end by now, and ours of it is closed.</summary>
    internal void Start()
    {
        _pipe.DisposeLocalCopyOfClientHandle();
        _pumping = Task.Factory.StartNew(Pump, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The worker that looked is the one that goes on.</summary>
    internal void GoOn() => _isLook = false;

    /// <summary>Ends it, once the worker has ended.</summary>
    /// <returns>The digest of all that came.</returns>
    /// <exception cref="StorageException">The image could not be read.</exception>
    internal async Task<string> EndAsync()
    {
        _source.Stop();
        await _pumping;
        return Failure is null ? Convert.ToHexStringLower(_digest.GetHashAndReset()) : throw Failure;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _source.Stop();
        await _pumping;
        _source.Dispose();
        await _pipe.DisposeAsync();
        _digest.Dispose();
    }

    private void Pump()
    {
        byte[] buffer = new byte[Step];
        try
        {
            _digest.AppendData(_input.Head.WrittenSpan);
            _pipe.Write(_input.Head.WrittenSpan);
            while ((!_isLook || _input.Head.WrittenCount < MostLooked) && _source.Read(buffer) is int read and > 0)
            {
                _digest.AppendData(buffer, 0, read);
                if (_isLook)
                {
                    _input.Head.Write(buffer.AsSpan(0, read));
                }

                _pipe.Write(buffer, 0, read);
            }

            Failure = _input.Stream?.Failure;   // to who reads a pipe, its end looks the same
        }
        catch (StorageException e)
        {
            Failure = e;
        }
        catch (IOException)
        {
            // The worker has all that it wants, or has ended: its answer says which.
        }
        finally
        {
            _pipe.Dispose();   // the end of the stream, for the worker
        }
    }
}
