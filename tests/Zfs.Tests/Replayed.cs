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
        Tools = new(Program("zfs"), Program("zpool"));
    }

    internal ZfsTools Tools { get; }

    public void Dispose() => _programs.Dispose();

    // A link, and no copy: what was just written can't be run while a program that another test starts has it open.
    private Command Program(string name)
    {
        File.CreateSymbolicLink(_programs[name], Path.Combine(AppContext.BaseDirectory, "Fixtures/replayed"));
        return Command.At(_programs[name]);
    }
}
