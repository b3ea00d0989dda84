using EveStorage.Linux;
using EveStorage.Testing;
using EveStorage.Zfs;

namespace EveStorage.Tests;

/// <summary>
/// ZFS's programs as they answered in the lab (OpenZFS 2.3.2 and 2.3.6): a command that was recorded, to its last word, gets its answer
/// and its exit code, and any other one fails.
/// </summary>
internal sealed class Replayed : IDisposable
{
    private readonly TemporaryDirectory _programs = new();

    internal Replayed()
    {
        string recorded = Path.Combine(AppContext.BaseDirectory, "Fixtures/commands");
        Tools = new(Program("zfs", recorded), Program("zpool", recorded));
    }

    internal ZfsTools Tools { get; }

    public void Dispose() => _programs.Dispose();

    private Command Program(string name, string recorded)
    {
        string path = _programs[name];
        File.WriteAllText(path, $"""
            #!/bin/sh
            said="{name} $*"
            for each in {recorded}/*.cmd; do
                [ "$(cat "$each")" = "$said" ] || continue
                cat "$(dirname "$each")/$(basename "$each" .cmd).out"
                cat "$(dirname "$each")/$(basename "$each" .cmd).err" >&2
                exit "$(cat "$(dirname "$each")/$(basename "$each" .cmd).rc")"
            done
            echo "never recorded: $said" >&2
            exit 99
            """);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return Command.At(path);
    }
}
