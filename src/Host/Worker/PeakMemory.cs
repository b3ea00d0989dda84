using System.Buffers.Text;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Worker;

/// <summary>The most memory that this process has had resident. It is opened before a jail is entered, which opens nothing.</summary>
internal sealed class PeakMemory : IDisposable
{
    private readonly SafeFileHandle? _status;
    private readonly byte[] _text = new byte[4096];

    private PeakMemory(SafeFileHandle? status) => _status = status;

    /// <summary>Opens what tells it; where there is no /proc, nothing does.</summary>
    internal static PeakMemory Open() => new(File.Exists("/proc/self/status") ? File.OpenHandle("/proc/self/status") : null);

    /// <summary>Looks; null when it is not known (proc(5), VmHWM).</summary>
    internal ByteSize? Look()
    {
        int length = _status is null ? 0 : RandomAccess.Read(_status, _text, 0);
        ReadOnlySpan<byte> text = _text.AsSpan(0, length);
        int at = text.IndexOf("VmHWM:"u8);
        return at >= 0 && Utf8Parser.TryParse(text[(at + "VmHWM:".Length)..].TrimStart(" \t"u8), out long kibibytes, out _) ? new(kibibytes << 10) : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _status?.Dispose();
}
