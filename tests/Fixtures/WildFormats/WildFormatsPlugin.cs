using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace EveStorage.Fixtures;

/// <summary>Image formats whose parsers have been taken over by an image: each tries one thing that a worker must not do.</summary>
public sealed class WildFormatsPlugin : IStoragePlugin
{
    private const int InterNetwork = 2;
    private const int StreamSocket = 1;

    /// <inheritdoc/>
    public void Register(IPluginRegistrar registrar)
    {
        registrar.AddImageFormat("wild-crash", static _ => new WildFormat(static () => Environment.FailFast("a parser broke the runtime")));
        registrar.AddImageFormat("wild-spin", static _ => new WildFormat(Spin));
        registrar.AddImageFormat("wild-hoard", static _ => new WildFormat(Hoard));
        registrar.AddImageFormat("wild-throw", static _ => new WildFormat(static () => throw new InvalidOperationException("a parser's mistake")));
        registrar.AddImageFormat("wild-open", static _ => new WildFormat(static () => File.ReadAllText("/etc/hostname")));
        registrar.AddImageFormat("wild-connect", static _ => new WildFormat(static () => Require(Socket(InterNetwork, StreamSocket, 0))));
        registrar.AddImageFormat("wild-start", static _ => new WildFormat(static () => Require(Execute("/bin/true", nint.Zero, nint.Zero))));
        registrar.AddImageFormat("wild-signal", static _ => new WildFormat(static () => Require(Signal(Parent(), 0))));
        registrar.AddImageFormat("wild-sound", static _ => new WildFormat(static () => { }));
    }

    [DoesNotReturn]
    private static void Spin()
    {
        while (true)
        {
        }
    }

    private static void Hoard()
    {
        List<byte[]> held = [];
        while (true)
        {
            byte[] more = new byte[16 << 20];
            Array.Fill(more, (byte)1);
            held.Add(more);
        }
    }

    private static void Require(int result)
    {
        if (result < 0)
        {
            throw new UnauthorizedAccessException($"errno {Marshal.GetLastPInvokeError()}");
        }
    }

    [DllImport("libc.so.6", EntryPoint = "execve", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int Execute(string path, nint arguments, nint environment);

    [DllImport("libc.so.6", EntryPoint = "socket", SetLastError = true)]
    private static extern int Socket(int domain, int type, int protocol);

    [DllImport("libc.so.6", EntryPoint = "kill", SetLastError = true)]
    private static extern int Signal(int process, int signal);

    [DllImport("libc.so.6", EntryPoint = "getppid")]
    private static extern int Parent();

    private sealed class WildFormat(Action act) : IImageFormat
    {
        public ImageFormatCapabilities Capabilities { get; } = new();

        public bool Recognizes(ReadOnlySpan<byte> head) => false;

        public async ValueTask<IImageReader> OpenAsync(IImageSource source, CancellationToken cancellationToken)
        {
            await source.DisposeAsync();
            act();
            throw new StorageException(StorageErrorKind.Corrupt, source.Name, "did what it wanted");
        }
    }
}
