using System.Text.Json.Serialization;

namespace EveStorage.Host.Api;

/// <summary>
/// A change as asked for: what a command line submits, what <c>POST /v1/operations</c> takes and what the journal keeps
/// are this one document, so that what was asked for can be planned again after a crash.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "change")]
[JsonDerivedType(typeof(CreatePool), "create-pool")]
[JsonDerivedType(typeof(DeletePool), "delete-pool")]
[JsonDerivedType(typeof(CreateVolume), "create-volume")]
[JsonDerivedType(typeof(ResizeVolume), "resize-volume")]
[JsonDerivedType(typeof(DeleteVolume), "delete-volume")]
[JsonDerivedType(typeof(TakeSnapshots), "take-snapshots")]
[JsonDerivedType(typeof(CloneSnapshot), "clone-snapshot")]
[JsonDerivedType(typeof(RollBack), "roll-back")]
[JsonDerivedType(typeof(DeleteSnapshot), "delete-snapshot")]
[JsonDerivedType(typeof(ImportImage), "import-image")]
[JsonDerivedType(typeof(SaveImage), "save-image")]
[JsonDerivedType(typeof(AddExport), "add-export")]
[JsonDerivedType(typeof(RemoveExport), "remove-export")]
internal abstract record ChangeRequest
{
    /// <summary>The pool it changes.</summary>
    public required PoolName Pool { get; init; }

    /// <summary>What it is about, as a person types it: <c>data/vm42</c>.</summary>
    [JsonIgnore]
    public abstract string Subject { get; }
}

/// <summary>Makes the pool that the profile declares.</summary>
internal sealed record CreatePool : ChangeRequest
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override string Subject => $"{Pool}";
}

/// <summary>Removes an empty pool.</summary>
internal sealed record DeletePool : ChangeRequest
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override string Subject => $"{Pool}";
}

/// <summary>A change of one volume.</summary>
internal abstract record VolumeChange : ChangeRequest
{
    /// <summary>The volume.</summary>
    public required VolumeName Volume { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Subject => $"{Pool}/{Volume}";
}

/// <summary>Makes a volume.</summary>
internal sealed record CreateVolume : VolumeChange
{
    /// <summary>Its form.</summary>
    public VolumeForm Form { get; init; } = VolumeForm.Block;

    /// <summary>Its size.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>The most it may take.</summary>
    public ByteSize? Quota { get; init; }

    /// <summary>What is kept free for it.</summary>
    public ByteSize? Reservation { get; init; }

    /// <summary>What it must have.</summary>
    public VolumeTraits Traits { get; init; } = VolumeTraits.Thin;
}

/// <summary>Grows a volume, while it is in use.</summary>
internal sealed record ResizeVolume : VolumeChange
{
    /// <summary>Its size from then on.</summary>
    public required ByteSize Size { get; init; }
}

/// <summary>Removes a volume and its data.</summary>
internal sealed record DeleteVolume : VolumeChange
{
    /// <summary>Whether its snapshots go too; else they refuse it.</summary>
    public bool WithSnapshots { get; init; }
}

/// <summary>Freezes volumes of one pool, all at one moment.</summary>
internal sealed record TakeSnapshots : ChangeRequest
{
    /// <summary>The snapshots.</summary>
    public required IReadOnlyList<SnapshotName> Snapshots { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Subject => string.Join(", ", Snapshots.Select(snapshot => $"{Pool}/{snapshot}"));
}

/// <summary>A change that starts from a snapshot.</summary>
internal abstract record SnapshotChange : ChangeRequest
{
    /// <summary>The snapshot.</summary>
    public required SnapshotName Snapshot { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Subject => $"{Pool}/{Snapshot}";
}

/// <summary>Makes a volume that starts as a snapshot.</summary>
internal sealed record CloneSnapshot : SnapshotChange
{
    /// <summary>The volume to make.</summary>
    public required VolumeName NewVolume { get; init; }
}

/// <summary>Makes a volume what a snapshot froze.</summary>
internal sealed record RollBack : SnapshotChange;

/// <summary>Removes a snapshot.</summary>
internal sealed record DeleteSnapshot : SnapshotChange;

/// <summary>Makes a volume of an image, which is handed over as a descriptor beside the request.</summary>
internal sealed record ImportImage : VolumeChange
{
    /// <summary>What the image is called, for messages. Nothing is ever opened by it.</summary>
    public required string ImageName { get; init; }

    /// <summary>Its format; null to find out.</summary>
    public string? Format { get; init; }

    /// <summary>What the volume must have.</summary>
    public VolumeTraits Traits { get; init; } = VolumeTraits.Thin;

    /// <summary>The volume's size, when larger than the image's disk.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>Whether the volume is read back and compared by digest.</summary>
    public bool Verify { get; init; }
}

/// <summary>Writes a volume to an image, which is handed over as a descriptor beside the request. What is written meanwhile may be in it or not.</summary>
internal sealed record SaveImage : VolumeChange
{
    /// <summary>What the image is called, for messages.</summary>
    public required string ImageName { get; init; }

    /// <summary>The format to write.</summary>
    public string Format { get; init; } = "raw";
}

/// <summary>Exports a volume.</summary>
internal sealed record AddExport : VolumeChange
{
    /// <summary>The transport by its name in the profile; null for the only one.</summary>
    public string? Transport { get; init; }

    /// <summary>The hosts that may connect, each with the name of its key; nobody else can.</summary>
    public required IReadOnlyDictionary<string, string?> AllowedHosts { get; init; }

    /// <summary>The subsystem; null for one of the volume's own.</summary>
    public string? Subsystem { get; init; }

    /// <summary>The number in the subsystem; null for the next free one.</summary>
    public int? NamespaceId { get; init; }

    /// <summary>Whether writes are refused.</summary>
    public bool ReadOnly { get; init; }
}

/// <summary>Ends the export of a volume.</summary>
internal sealed record RemoveExport : VolumeChange
{
    /// <summary>The transport by its name in the profile; null for every one that exports it.</summary>
    public string? Transport { get; init; }
}
