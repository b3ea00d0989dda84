namespace EveStorage;

/// <summary>A host that may connect.</summary>
/// <param name="Host">Its name.</param>
/// <param name="Key">The key it proves to have; null when it need not.</param>
public sealed record AllowedHost(HostNqn Host, KeyName? Key)
{
    /// <summary>The key that the controller proves to have in turn; null when it need not. It goes with a <see cref="Key"/>.</summary>
    public KeyName? ControllerKey { get; init; }
}

/// <summary>An export as asked for: one volume as one namespace, for these hosts and no others.</summary>
public sealed record ExportSpec
{
    /// <summary>The volume's id: NGUID, UUID and serial number come from it, and the export is known by it.</summary>
    public required Guid VolumeId { get; init; }

    /// <summary>The volume as a person types it, for messages: <c>data/vm42</c>.</summary>
    public required string Subject { get; init; }

    /// <summary>The subsystem it is a namespace of. Several volumes may share one; a host sees those that allow it.</summary>
    public required Nqn Subsystem { get; init; }

    /// <summary>Its number in the subsystem, from 1.</summary>
    public int NamespaceId { get; init; } = 1;

    /// <summary>Who may connect; nobody when empty.</summary>
    public required IReadOnlyList<AllowedHost> AllowedHosts { get; init; }

    /// <summary>Whether writes are refused.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The most it may do; null for no limit.</summary>
    public ExportLimits? Limits { get; init; }
}

/// <summary>The most an export may do in a second, over all its hosts. Null is no limit.</summary>
public sealed record ExportLimits
{
    /// <summary>Commands that read or write.</summary>
    public long? Iops { get; init; }

    /// <summary>Bytes read or written.</summary>
    public ByteSize? Bandwidth { get; init; }
}

/// <summary>A volume as exported.</summary>
public sealed record ExportInfo
{
    /// <summary>The volume.</summary>
    public required Guid VolumeId { get; init; }

    /// <summary>The subsystem's name.</summary>
    public required Nqn Subsystem { get; init; }

    /// <summary>The number in the subsystem.</summary>
    public required int NamespaceId { get; init; }

    /// <summary>Where a host connects: <c>tcp://127.0.0.1:4420</c>, or <c>file:///run/evestorage/dev/…</c>, the local device.</summary>
    public required Uri Address { get; init; }

    /// <summary>Who may connect.</summary>
    public required IReadOnlyList<HostNqn> AllowedHosts { get; init; }

    /// <summary>
    /// Lines that a person or a program takes over to connect, by what they are for: <c>nvme connect</c>, <c>qemu</c>, <c>dracut</c>.
    /// No secret is in them.
    /// </summary>
    public IReadOnlyDictionary<string, string> Lines { get; init; } = new Dictionary<string, string>();

    /// <summary>Who is connected now; empty also where the transport can't tell.</summary>
    public IReadOnlyList<HostNqn> ConnectedHosts { get; init; } = [];

    /// <summary>Whether writes are refused, as asked or after a failed sync.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>What its hosts have done; null where the transport counts nothing. It begins anew when the volume is served anew.</summary>
    public ExportTraffic? Traffic { get; init; }
}

/// <summary>What the hosts of an export have done since it is served, those that are no longer connected too. Numbers may be some moments old.</summary>
public sealed record ExportTraffic
{
    /// <summary>Commands that read.</summary>
    public long Reads { get; init; }

    /// <summary>What they asked for.</summary>
    public ByteSize ReadBytes { get; init; }

    /// <summary>Commands that wrote data.</summary>
    public long Writes { get; init; }

    /// <summary>What they brought.</summary>
    public ByteSize WrittenBytes { get; init; }

    /// <summary>Commands for what was written before to be on stable media.</summary>
    public long Flushes { get; init; }

    /// <summary>Commands of all these that began and ended with an error. One that could not be begun, such as a write beyond the end, is none of them.</summary>
    public long Errors { get; init; }
}
