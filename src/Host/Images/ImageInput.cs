using System.Buffers;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Images;

/// <summary>An image that was handed over: a file, or the reading end of a pipe. Of a pipe it keeps what has been looked at.</summary>
internal sealed class ImageInput(SafeFileHandle handle, string name)
{
    /// <summary>What it is called.</summary>
    internal string Name => name;

    /// <summary>The open file.</summary>
    internal SafeFileHandle Handle => handle;

    /// <summary>Whether it comes through a pipe.</summary>
    internal bool IsPipe { get; } = ExistingFile.IsStream(handle, name);

    /// <summary>The files that it names, in the order in which they are handed to a worker.</summary>
    internal List<LinkedFile> Links { get; } = [];

    /// <summary>What a pump puts before what comes next.</summary>
    internal ArrayBufferWriter<byte> Head { get; } = new();
}
