using System.Buffers;
using EveStorage.Host.Urls;
using EveStorage.Host.Worker;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Images;

/// <summary>An image to read: a file that was handed over, the reading end of a pipe, or what lies at a URL. Of a pipe it keeps what has been looked at.</summary>
internal sealed class ImageInput : IAsyncDisposable
{
    private readonly SafeFileHandle? _handle;
    private WorkerProcess? _worker;

    /// <summary>A file or a pipe, which stays the caller's.</summary>
    internal ImageInput(SafeFileHandle handle, string name)
    {
        _handle = handle;
        Name = name;
        IsPipe = ExistingFile.IsStream(handle, name);
    }

    /// <summary>What is read at a URL in any order.</summary>
    internal ImageInput(UrlImage image)
    {
        Ranges = image;
        Name = image.Name;
    }

    /// <summary>What comes from a URL once.</summary>
    internal ImageInput(UrlStream stream)
    {
        Stream = stream;
        _handle = stream.Reader;
        Name = stream.Name;
        IsPipe = true;
    }

    /// <summary>What it is called.</summary>
    internal string Name { get; }

    /// <summary>The open file, or the pipe.</summary>
    internal SafeFileHandle Handle => _handle ?? throw new InvalidOperationException($"{Name} is read by ranges.");

    /// <summary>What is read at a URL in any order; null for everything else.</summary>
    internal UrlImage? Ranges { get; }

    /// <summary>What comes from a URL once; null for everything else.</summary>
    internal UrlStream? Stream { get; }

    /// <summary>Which image in which state it is, where that can be told and read again; else null.</summary>
    internal string? Identity => Ranges is not null ? Ranges.Identity : IsPipe ? null : ExistingFile.IdentityOf(Handle, Name);

    /// <summary>The same of the files that it names.</summary>
    internal string LinksIdentity => string.Join('\n', Links.Select(static link => ExistingFile.IdentityOf(link.File, link.Path)));

    /// <summary>The same as it is told for as long as the files are there, also after the machine has started again.</summary>
    internal string LastingLinksIdentity => string.Join('\n', Links.Select(static link => LastingFile.IdentityOf(link.File, link.Path)));

    /// <summary>Whether it comes through a pipe.</summary>
    internal bool IsPipe { get; }

    /// <summary>
    /// Whether a worker reads the pipe itself: nobody wants the digest of all that came, and nothing in it makes a second worker
    /// need what the first has looked at.
    /// </summary>
    internal bool GoesStraight { get; init; }

    /// <summary>The files that it names, in the order in which they are handed to a worker.</summary>
    internal List<LinkedFile> Links { get; } = [];

    /// <summary>What a pump puts before what comes next.</summary>
    internal ArrayBufferWriter<byte> Head { get; } = new();

    /// <summary>Keeps a worker that has looked at it, for its import.</summary>
    internal void Keep(WorkerProcess worker) => _worker = worker;

    /// <summary>Takes that worker, which goes with who takes it; null when there is none.</summary>
    internal WorkerProcess? TakeWorker() => Interlocked.Exchange(ref _worker, null);

    /// <summary>Lets go of the worker that looked at it, of the files that were opened for it, and of its server.</summary>
    public async ValueTask DisposeAsync()
    {
        if (TakeWorker() is WorkerProcess idle)
        {
            await idle.DisposeAsync();
        }

        Links.ForEach(static link => link.File.Dispose());
        Ranges?.Dispose();
        if (Stream is not null)
        {
            await Stream.DisposeAsync();
        }
    }
}
