using System.Globalization;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>The process that we are.</summary>
public static unsafe class ThisProcess
{
    /// <summary>Whether we have a capability of capabilities(7), which root in a container may lack.</summary>
    /// <param name="capability">Its number in <c>linux/capability.h</c>.</param>
    public static bool Has(int capability)
    {
        const string Effective = "CapEff:";
        string line = FileCalls.Run("/proc/self/status", () => File.ReadLines("/proc/self/status").First(line => line.StartsWith(Effective, StringComparison.Ordinal)));
        return (ulong.Parse(line.AsSpan(Effective.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & (1UL << capability)) != 0;
    }

    /// <summary>Becomes another program, with our number, standard streams, directory and environment. It returns only by what it throws.</summary>
    /// <param name="program">The program's path.</param>
    /// <param name="arguments">Its arguments, without its name.</param>
    /// <exception cref="StorageException">It can't be started.</exception>
    public static void Become(string program, IReadOnlyList<string> arguments)
    {
        using StringVector vector = new([program, .. arguments]);

        // What .NET ignores for itself would stay so in what we become, and in all that it starts (signal(7)).
        _ = OwnCalls.Signal(LibC.SIGPIPE, handler: 0);
        _ = OwnCalls.ExecV(vector.Pointer[0], vector.Pointer);
        throw Errno.Failure(program, "execv");
    }
}
