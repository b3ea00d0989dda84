using EveStorage.Linux;

namespace EveStorage.Cli.Profiles;

/// <summary>Where the host keeps what it needs: the system's directories for root, the user's for everybody else (XDG base directories).</summary>
/// <param name="State">Survives a reboot.</param>
/// <param name="Run">Does not.</param>
internal sealed record StandardPaths(string State, string Run)
{
    /// <summary>Those of the user this process acts as.</summary>
    internal static StandardPaths ForCaller()
    {
        if (FileOwner.Ours == 0)
        {
            return new("/var/lib/evestorage", "/run/evestorage");
        }

        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string state = Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } given ? given : Path.Combine(home, ".local/state");
        state = Path.Combine(state, "evestorage");

        // Without a session there is no run directory; a directory of ours is safe where a name in /tmp would not be.
        string run = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } session ? Path.Combine(session, "evestorage") : Path.Combine(state, "run");
        return new(state, run);
    }
}
