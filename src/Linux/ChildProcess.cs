using System.IO.Pipes;
using System.Runtime.InteropServices;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>
/// A child that has its three standard streams and the descriptors it is given, and no other: not even those that this
/// process forgot to mark close-on-exec. It has a session of its own, so that a Ctrl-C at a terminal is ours to pass on; it
/// should end when its standard input does, which is how it learns of our death.
/// </summary>
public sealed unsafe class ChildProcess : IDisposable
{
    // More than the 80 and 336 bytes that glibc's opaque types have on x86-64 and arm64.
    internal const int OpaqueSize = 1024;
    private const int LowestCopy = 64;
    private const int UnknownEnd = -1;

    // sigset_t of glibc: 1024 bits.
    private const int SignalSetSize = 128;

    private readonly AnonymousPipeServerStream _input = new(PipeDirection.Out);
    private readonly AnonymousPipeServerStream _output = new(PipeDirection.In);
    private readonly AnonymousPipeServerStream _error = new(PipeDirection.In);
    private readonly Lock _reaping = new();
    private int _pid;
    private int? _exitCode;

    private ChildProcess()
    {
    }

    /// <summary>Goes to its standard input.</summary>
    public Stream Input => _input;

    /// <summary>Comes from its standard output; at its end when the child has ended.</summary>
    public Stream Output => _output;

    /// <summary>Comes from its standard error.</summary>
    public Stream Error => _error;

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded
    {
        get
        {
            lock (_reaping)
            {
                // A siginfo_t, whose first number stays 0 where nothing has ended (man 2 waitid).
                byte* ended = stackalloc byte[OpaqueSize];
                new Span<byte>(ended, OpaqueSize).Clear();
                return _exitCode is not null || OwnCalls.WaitId(OwnCalls.P_PID, _pid, ended, OwnCalls.WEXITED | OwnCalls.WNOWAIT | OwnCalls.WNOHANG) != 0 || *(int*)ended != 0;
            }
        }
    }

    /// <summary>Starts <paramref name="path"/>.</summary>
    /// <param name="path">The program, absolute.</param>
    /// <param name="arguments">Its arguments, without its name.</param>
    /// <param name="environment">All of its environment.</param>
    /// <param name="descriptors">What it gets, by the number it has there: 3 and up, without a gap.</param>
    /// <exception cref="StorageException">It can't be started.</exception>
    public static ChildProcess Start(
        string path, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment, IReadOnlyList<SafeHandle> descriptors)
    {
        ChildProcess child = Make(path);
        try
        {
            SafeHandle[] all = [child._input.ClientSafePipeHandle, child._output.ClientSafePipeHandle, child._error.ClientSafePipeHandle, .. descriptors];
            child._pid = Spawn(path, arguments, environment, all);
            child._input.DisposeLocalCopyOfClientHandle();
            child._output.DisposeLocalCopyOfClientHandle();
            child._error.DisposeLocalCopyOfClientHandle();
            return child;
        }
        catch
        {
            child.Dispose();
            throw;
        }
    }

    private static ChildProcess Make(string path)
    {
        try
        {
            return new();
        }
        catch (IOException e)
        {
            throw new StorageException(StorageErrorKind.Unavailable, path, $"can't be started: its pipes can't be made ({e.Message})", e);
        }
    }

    /// <summary>Ends it at once. Safe while another thread waits.</summary>
    public void Kill()
    {
        // Its number is its own until it is reaped, and that is done under the same lock: no other process is ever killed.
        lock (_reaping)
        {
            if (_pid > 0 && _exitCode is null)
            {
                _ = LibC.kill(_pid, LibC.SIGKILL);
            }
        }
    }

    /// <summary>Bounds what it can write and the time it can take of the processors, where it bounded itself for now: <see cref="ResourceLimits"/>.</summary>
    /// <exception cref="StorageException">It has ended, or the kernel refused.</exception>
    public void Limit(ByteSize files, TimeSpan processors)
    {
        lock (_reaping)
        {
            if (_exitCode is not null)
            {
                throw new StorageException(StorageErrorKind.Io, $"process {_pid}", "has ended");
            }

            ResourceLimits.Of(_pid, files, processors);
        }
    }

    /// <summary>Waits for its end, which is near once <see cref="Output"/> ended.</summary>
    /// <returns>Its exit code, or 128 and the number of the signal that ended it; the same however often it is called.</returns>
    /// <exception cref="StorageException">Something else in this process took its end, which is not known then.</exception>
    public int Wait()
    {
        byte* ignored = stackalloc byte[OpaqueSize];
        while (_exitCode is null && OwnCalls.WaitId(OwnCalls.P_PID, _pid, ignored, OwnCalls.WEXITED | OwnCalls.WNOWAIT) < 0 && LibC.errno == LibC.EINTR)
        {
        }

        lock (_reaping)
        {
            if (_exitCode is null)
            {
                int status;
                bool ended = OwnCalls.WaitPid(_pid, &status, 0) == _pid;
                _exitCode = !ended ? UnknownEnd : (status & 0x7F) == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F);
            }

            return _exitCode != UnknownEnd
                ? _exitCode.Value
                : throw new StorageException(StorageErrorKind.Io, $"process {_pid}", "ended, and something else took how");
        }
    }

    /// <summary>Ends it if it runs.</summary>
    public void Dispose()
    {
        if (_pid > 0 && _exitCode is null)
        {
            Kill();
            try
            {
                Wait();
            }
            catch (StorageException)
            {
                // It is gone, and that is what was wanted.
            }
        }

        _input.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    private static int Spawn(string path, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment, SafeHandle[] descriptors)
    {
        byte* fileActions = stackalloc byte[OpaqueSize];
        byte* attributes = stackalloc byte[OpaqueSize];
        Require(OwnCalls.FileActionsInit(fileActions), path);
        Require(OwnCalls.SpawnAttributesInit(attributes), path);
        List<int> copies = [];
        try
        {
            // Above all targets, so that no dup2 overwrites what a later one needs.
            foreach (SafeHandle handle in descriptors)
            {
                using Descriptor descriptor = new(handle);
                int copy = LibC.fcntl(descriptor, LibC.F_DUPFD_CLOEXEC, LowestCopy);
                copies.Add(copy >= 0 ? copy : throw Errno.Failure(path, "F_DUPFD_CLOEXEC"));
            }

            for (int at = 0; at < copies.Count; at++)
            {
                Require(OwnCalls.FileActionsAddDup2(fileActions, copies[at], at), path);
            }

            Require(OwnCalls.FileActionsAddCloseFrom(fileActions, copies.Count), path);
            RequireFreshSignals(attributes, path);
            using StringVector argv = new([path, .. arguments]);
            using StringVector envp = new([.. environment.Select(pair => $"{pair.Key}={pair.Value}")]);
            int pid;
            Require(OwnCalls.PosixSpawn(&pid, path, fileActions, attributes, argv.Pointer, envp.Pointer), path);
            return pid;
        }
        finally
        {
            copies.ForEach(copy => _ = LibC.close(copy));
            _ = OwnCalls.FileActionsDestroy(fileActions);
            _ = OwnCalls.SpawnAttributesDestroy(attributes);
        }
    }

    // What we ignore or block, as .NET does SIGPIPE, is no choice of the child's: exec keeps both, signal(7).
    private static void RequireFreshSignals(byte* attributes, string path)
    {
        byte* signals = stackalloc byte[SignalSetSize];
        Span<byte> set = new(signals, SignalSetSize);
        set.Clear();
        Require(OwnCalls.SpawnAttributesSetMask(attributes, signals), path);
        set.Fill(0xFF);
        Require(OwnCalls.SpawnAttributesSetDefault(attributes, signals), path);
        const short Flags = OwnCalls.POSIX_SPAWN_SETSID | OwnCalls.POSIX_SPAWN_SETSIGMASK | OwnCalls.POSIX_SPAWN_SETSIGDEF;
        Require(OwnCalls.SpawnAttributesSetFlags(attributes, Flags), path);
    }

    // These return their errno.
    private static void Require(int errno, string path)
    {
        if (errno != 0)
        {
            throw Errno.Failure(errno, path, "posix_spawn");
        }
    }
}
