using System.Globalization;
using EveStorage.Linux;

namespace EveStorage.Host.Daemon;

/// <summary>Who may use the daemon's sockets: root, the daemon's own user, and the members of the group that the profile names.</summary>
internal sealed class PeerRule
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Group = UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private readonly uint? _group;

    /// <summary>Reads the group.</summary>
    /// <exception cref="StorageException">There is none of that name.</exception>
    internal PeerRule(string groupName)
        => _group = groupName.Length == 0 ? null : FindGroup(groupName);

    /// <summary>Sets the owner and the mode of a socket. The kernel then keeps everybody else from connecting.</summary>
    internal void Protect(string path)
    {
        if (_group is uint group)
        {
            FileOwner.SetGroup(path, group);
        }

        File.SetUnixFileMode(path, _group is null ? Owner : Owner | Group);
    }

    /// <summary>Whether a peer may: the socket's mode says the same, and this is what is left when somebody changes that.</summary>
    internal bool Allows(PeerCredentials peer)
        => peer.UserId == 0 || peer.UserId == FileOwner.Ours || (_group is uint group && (peer.GroupId == group || IsMember(peer.UserId, group)));

    // man 5 group: name, password, number, members.
    private static uint FindGroup(string name)
        => Lines("/etc/group").Where(fields => fields[0] == name).Select(fields => uint.Parse(fields[2], CultureInfo.InvariantCulture)).Cast<uint?>().FirstOrDefault()
            ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, "Api:Group", $"'{name}' is no group of this machine");

    private static bool IsMember(uint user, uint group)
    {
        string number = user.ToString(CultureInfo.InvariantCulture);
        string? name = Lines("/etc/passwd").FirstOrDefault(fields => fields[2] == number)?[0];
        return name is not null && Lines("/etc/group").Any(
            fields => fields[2] == group.ToString(CultureInfo.InvariantCulture) && fields[3].Split(',').Contains(name));
    }

    private static IEnumerable<string[]> Lines(string path) => File.ReadLines(path).Select(line => line.Split(':')).Where(fields => fields.Length >= 4);
}
