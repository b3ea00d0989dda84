using System.Globalization;
using System.Text;
using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>A connection of this machine's kernel to a subsystem.</summary>
/// <param name="Name">The controller: <c>nvme2</c>.</param>
public sealed record FabricsController(string Name)
{
    private const string Class = "/sys/class/nvme";

    /// <summary>Whether it is there.</summary>
    public bool IsThere => Directory.Exists($"{Class}/{Name}");

    /// <summary>The namespaces that it sees: their numbers, and their sizes.</summary>
    public IReadOnlyDictionary<int, ByteSize> Namespaces
    {
        get
        {
            SortedDictionary<int, ByteSize> seen = [];
            foreach (string entry in Configfs.Objects($"{Class}/{Name}").Where(e => e.StartsWith("nvme", StringComparison.Ordinal)))
            {
                // A namespace, or with multipath a path to one. Each may go while it is looked at.
                if (Configfs.Find($"{Class}/{Name}/{entry}/nsid") is string number && Configfs.Find($"{Class}/{Name}/{entry}/size") is string blocks)
                {
                    seen[int.Parse(number, CultureInfo.InvariantCulture)] = new(long.Parse(blocks, CultureInfo.InvariantCulture) * 512);
                }
            }

            return seen;
        }
    }

    /// <summary>Ends the connection. One that is gone is ended.</summary>
    /// <exception cref="StorageException">The kernel refuses it.</exception>
    public void Disconnect()
    {
        try
        {
            Configfs.Write($"{Class}/{Name}/delete_controller", "1");
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound || !IsThere)
        {
            // It went by itself.
        }
    }
}

/// <summary>
/// This machine's kernel as a host of NVMe over fabrics, without nvme-cli: connections are asked for at /dev/nvme-fabrics and
/// looked at in /sys.
/// </summary>
public static class FabricsHost
{
    private const string Device = "/dev/nvme-fabrics";
    private const string Subsystems = "/sys/class/nvme-subsystem";

    /// <summary>Connects: drivers/nvme/host/fabrics.c has the words.</summary>
    /// <exception cref="StorageException">The target refuses, or is not there; it says no more than that.</exception>
    public static FabricsController Connect(Nqn subsystem, IReadOnlyList<(string Word, string Value)> words)
    {
        string asked = string.Join(',', words.Prepend(("nqn", $"{subsystem}")).Select(w => $"{w.Item1}={w.Item2}"));
        Span<byte> answer = stackalloc byte[256];
        int length;
        using FileStream fabrics = FileCalls.Run(Device, () => new FileStream(Device, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0));
        try
        {
            fabrics.Write(Encoding.ASCII.GetBytes(asked));
            length = fabrics.Read(answer);
        }
        catch (IOException e)
        {
            throw new StorageException(StorageErrorKind.Io, $"{subsystem}", "could not be connected to; the kernel's log says why", e);
        }

        // instance=2,cntlid=1
        string instance = Encoding.ASCII.GetString(answer[..length]).Split(',', '\n').First(p => p.StartsWith("instance=", StringComparison.Ordinal))["instance=".Length..];
        return new($"nvme{instance}");
    }

    /// <summary>The connections to a subsystem.</summary>
    public static IReadOnlyList<FabricsController> ConnectedTo(Nqn subsystem)
        => [.. Configfs.Objects("/sys/class/nvme").Where(name => Configfs.Find($"/sys/class/nvme/{name}/subsysnqn") == $"{subsystem}").Select(name => new FabricsController(name))];

    /// <summary>
    /// The device of a subsystem's namespace, known by its UUID; null while there is none. With multipath that is the one that
    /// the subsystem has, and never one of the hidden ones of its paths.
    /// </summary>
    public static string? FindDevice(Nqn subsystem, Guid id)
    {
        foreach (string name in Configfs.Objects(Subsystems).Where(name => Configfs.Find($"{Subsystems}/{name}/subsysnqn") == $"{subsystem}"))
        {
            IEnumerable<string> places = Configfs.Objects($"{Subsystems}/{name}").Where(e => Configfs.Find($"{Subsystems}/{name}/{e}/nsid") is not null).Select(e => $"{Subsystems}/{name}/{e}")
                .Concat(ConnectedTo(subsystem).SelectMany(c => Configfs.Objects($"/sys/class/nvme/{c.Name}").Select(e => $"/sys/class/nvme/{c.Name}/{e}")));
            string? found = places.FirstOrDefault(p => !IsHidden(p) && Guid.TryParse(Configfs.Find($"{p}/uuid"), out Guid uuid) && uuid == id);
            if (found is not null)
            {
                return $"/dev/{Path.GetFileName(found)}";
            }
        }

        return null;
    }

    private static bool IsHidden(string device) => Configfs.Find($"{device}/hidden") != "0";
}
