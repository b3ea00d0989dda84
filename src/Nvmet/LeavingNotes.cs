using System.Security.Cryptography;
using System.Text;
using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>
/// Notes of what is on its way out of the tree, a file for each volume beside the marks. A note is there before the first of it
/// goes: a crash forgets the steps, and what goes first is what the rest is found by. Like the marks it ends with the kernel.
/// </summary>
/// <param name="directory">Where the notes are kept; it is made when the first one is written.</param>
/// <param name="address">Where what is noted is served: a volume may be exported at two addresses.</param>
internal sealed class LeavingNotes(string directory, PortAddress address)
{
    /// <summary>What is leaving with a volume; null when nothing is.</summary>
    internal Leaving? Find(Guid volume)
    {
        try
        {
            return FileCalls.Run(directory, () => File.ReadAllLines(PathOf(volume))) is [string subsystem, .. string[] hosts]
                ? new(new(subsystem), [.. hosts.Select(host => new HostNqn(host))])
                : null;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            return null;
        }
    }

    /// <summary>Writes a note: there is the old one or the new one, and never a part.</summary>
    internal void Write(Guid volume, Leaving leaving)
        => FileCalls.Run(directory, () =>
        {
            Directory.CreateDirectory(directory);
            File.WriteAllLines(TemporaryOf(volume), [$"{leaving.Subsystem}", .. leaving.Hosts.Select(host => $"{host}")]);
            File.Move(TemporaryOf(volume), PathOf(volume), overwrite: true);
        });

    /// <summary>Takes a note away, once all of it is gone.</summary>
    internal void Forget(Guid volume)
        => FileCalls.Run(directory, () =>
        {
            if (Directory.Exists(directory))
            {
                File.Delete(TemporaryOf(volume));   // of a crash
                File.Delete(PathOf(volume));
            }
        });

    private string PathOf(Guid volume)
        => Path.Combine(directory, $"leaving-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{address} {volume}")))}");

    private string TemporaryOf(Guid volume) => $"{PathOf(volume)}.new";
}
