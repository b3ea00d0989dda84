namespace EveStorage.Nvmet;

/// <summary>
/// The names that subsystems of nvmet-loop have in the kernel: the export's and a suffix, so that the same volume may be
/// exported by nvmet-tcp, too, and each of the two knows its own.
/// </summary>
public static class LoopSubsystem
{
    /// <summary>What is added to an export's name.</summary>
    public const string Suffix = ":loop";

    /// <summary>Whether a subsystem of the kernel is nvmet-loop's.</summary>
    public static bool Is(Nqn inKernel) => $"{inKernel}".EndsWith(Suffix, StringComparison.Ordinal);

    /// <summary>The kernel's name for an export's subsystem.</summary>
    /// <exception cref="ArgumentException">It is too long.</exception>
    public static Nqn InKernel(Nqn export) => new($"{export}{Suffix}");

    /// <summary>The export's name of a subsystem of nvmet-loop.</summary>
    public static Nqn OfExport(Nqn inKernel) => new($"{inKernel}"[..^Suffix.Length]);
}
