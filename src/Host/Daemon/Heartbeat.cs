using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting.Systemd;

namespace EveStorage.Host.Daemon;

/// <summary>
/// Tells a supervisor that asked for it (WatchdogSec=, man 3 sd_watchdog_enabled) that the daemon lives. Before each beat it asks the daemon
/// over its own socket, as a command would: one that hangs answers nobody, is not told of, and is ended and started again. It has a thread
/// of its own, which no job keeps busy, and what it asks for takes no lock, so that nothing that only lasts long stops it.
/// </summary>
internal sealed class Heartbeat : IDisposable
{
    private const int BeatsInTime = 3;
    private static readonly ServiceState s_alive = new("WATCHDOG=1");

    private readonly string _socket;
    private readonly TimeSpan _interval;
    private readonly SystemdNotifier _supervisor = new();
    private readonly ManualResetEvent _end = new(initialState: false);
    private readonly Thread _thread;
    private volatile bool _serves;

    private Heartbeat(string socket, TimeSpan limit)
    {
        (_socket, _interval) = (socket, limit / BeatsInTime);
        _thread = new(Beat) { IsBackground = true, Name = "heartbeat" };
        _thread.Start();
    }

    /// <summary>Starts it where a supervisor waits for it; null where none does.</summary>
    internal static Heartbeat? Start(string socket)
        => Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 }
            && Environment.GetEnvironmentVariable("WATCHDOG_PID") is var process && (process is null || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
            && long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), CultureInfo.InvariantCulture, out long microseconds) && microseconds > 0
            ? new(socket, TimeSpan.FromMicroseconds(microseconds))
            : null;

    /// <summary>Says whether the daemon answers by now. While it starts or stops it does not, and beats go on: those have limits of their own.</summary>
    internal void Serves(bool serves) => _serves = serves;

    /// <summary>Whether somebody answers on a socket, in that time.</summary>
    internal static bool Answers(string path, TimeSpan limit)
    {
        try
        {
            using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.SendTimeout = socket.ReceiveTimeout = Math.Max(1, (int)limit.TotalMilliseconds);
            socket.Connect(new UnixDomainSocketEndPoint(path));
            socket.Send("GET /v1/host HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8);
            return socket.Receive(new byte[1]) == 1;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _end.Set();
        _thread.Join();
        _end.Dispose();
    }

    private void Beat()
    {
        while (!_end.WaitOne(_interval))
        {
            if (!_serves || Answers(_socket, _interval) || !_serves)
            {
                _supervisor.Notify(s_alive);
            }
        }
    }
}
