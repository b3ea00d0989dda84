using EveStorage.Lvm;

namespace EveStorage.LvmTrial;

/// <summary>A pool of logical volumes, on a machine without udev.</summary>
internal sealed class Machine(string name, LvmOptions options, params IReadOnlyList<string> devices)
    : TrialMachine<LvmOptions>(new LvmPlugin(), name, options, devices)
{
    /// <inheritdoc cref="TrialMachine.ShellAsync(string, Dictionary{string, string})"/>
    // Nobody answers for udev here.
    internal static Task<string> ShellAsync(string script) => ShellAsync(script, new() { ["DM_DISABLE_UDEV"] = "1" });
}
