namespace EveStorage;

/// <summary>What a layer sits on: one volume, or one device under a pool.</summary>
public sealed record LayerSite
{
    /// <summary>Where.</summary>
    public required LayerPlacement Placement { get; init; }

    /// <summary>What it is as a person types it, for messages: <c>data/vm42</c>, or <c>data: /dev/disk/by-id/…</c>.</summary>
    public required string Subject { get; init; }

    /// <summary>
    /// A name for what the layer makes: letters, digits, dots, hyphens and underscores, 100 at most. It is the same at each
    /// opening and no other site of this machine has it. A volume's comes from its id, so that it outlives a rename.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>The path below. It need not be there while a plan is made: an earlier step of the same plan may make it.</summary>
    public required string LowerPath { get; init; }

    /// <summary>The key's name, for a layer that has one.</summary>
    public KeyName? Key { get; init; }

    /// <summary>Where a layer that shows a file system mounts it; null for one that is not to be mounted, and for other layers.</summary>
    public MountSpec? Mount { get; init; }
}

/// <summary>Where a file system is mounted.</summary>
public sealed record MountSpec
{
    /// <summary>The directory beneath which file systems are mounted. Who may change it is trusted.</summary>
    public required string Root { get; init; }

    /// <summary>The directory beneath that to mount on: names, with slashes between them. It is made where it is lacking.</summary>
    public required string At { get; init; }

    /// <summary>Whether nothing can be written.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The whole path.</summary>
    public string Path => System.IO.Path.Combine(Root, At);
}
