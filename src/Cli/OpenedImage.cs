using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Cli;

/// <summary>An image that a verb opened for whoever does the work.</summary>
internal class OpenedImage(SafeFileHandle file) : IDisposable
{
    /// <summary>The open file.</summary>
    internal SafeFileHandle File => file;

    /// <summary>Whether it is written, and not read.</summary>
    internal virtual bool IsWritten => false;

    /// <summary>Whether it is the standard output.</summary>
    internal virtual bool IsOutput => false;

    /// <summary>What was asked for is done, and whole.</summary>
    internal virtual void Keep()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes it.</summary>
    protected virtual void Dispose(bool disposing) => file.Dispose();
}

/// <summary>The standard output, where an image goes.</summary>
internal sealed class OutputImage : OpenedImage
{
    /// <summary>What it is called in messages.</summary>
    internal const string Name = "standard output";

    private OutputImage()
        : base(ExistingFile.StandardOutput())
    {
    }

    /// <inheritdoc/>
    internal override bool IsOutput => true;

    /// <inheritdoc/>
    internal override bool IsWritten => true;

    /// <summary>Opens it.</summary>
    /// <exception cref="StorageException">It is a terminal.</exception>
    internal static OutputImage Open()
        => Console.IsOutputRedirected ? new() : throw new StorageException(StorageErrorKind.InvalidConfiguration, Name, "is a terminal: pipe it into something");
}

/// <summary>A file that an image is written to. It gets its name once it is whole; until then it has another, beside it.</summary>
internal sealed class MadeImage : OpenedImage
{
    // A disk may hold anybody's secrets, whatever the caller's umask.
    private static readonly FileStreamOptions s_private = new()
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.ReadWrite,
        Share = FileShare.ReadWrite,
        BufferSize = 0,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    };

    private readonly string _path;
    private readonly string _temporary;
    private bool _isKept;

    private MadeImage(string path, string temporary)
        : base(FileCalls.Run(path, () => new FileStream(temporary, s_private).SafeFileHandle))
    {
        (_path, _temporary) = (path, temporary);
    }

    /// <summary>Makes it.</summary>
    /// <exception cref="StorageException">Something of that name is there, or it can't be made.</exception>
    internal static MadeImage Open(string path)
    {
        string full = Path.GetFullPath(path);
        string directory = Path.GetDirectoryName(full) ?? "/";
        if (!Directory.Exists(directory))
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, path, $"can't be made: there is no directory {directory}");
        }

        return Path.Exists(full)
            ? throw new StorageException(StorageErrorKind.Conflict, path, "exists: choose another name, or remove it first")
            : new(full, Path.Combine(directory, $".evestorage-save-{Guid.NewGuid():N}"));
    }

    /// <inheritdoc/>
    internal override bool IsWritten => true;

    /// <inheritdoc/>
    internal override void Keep()
    {
        DurableFile.Publish(_temporary, _path);
        _isKept = true;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!_isKept)
        {
            System.IO.File.Delete(_temporary);
        }
    }
}
