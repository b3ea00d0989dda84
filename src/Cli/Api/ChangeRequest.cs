using System.Text.Json.Serialization;

namespace EveStorage.Cli.Api;

/// <summary>
/// A change as asked for: what a command line submits, what <c>POST /v1/operations</c> takes and what the journal keeps
/// are this one document, so that what was asked for can be planned again after a crash.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "change")]
[JsonDerivedType(typeof(CreatePool), "create-pool")]
[JsonDerivedType(typeof(DeletePool), "delete-pool")]
[JsonDerivedType(typeof(ForgetPool), "forget-pool")]
[JsonDerivedType(typeof(LockPool), "lock-pool")]
[JsonDerivedType(typeof(UnlockPool), "unlock-pool")]
[JsonDerivedType(typeof(RekeyPool), "rekey-pool")]
[JsonDerivedType(typeof(ScrubPool), "scrub-pool")]
[JsonDerivedType(typeof(TrimPool), "trim-pool")]
[JsonDerivedType(typeof(OfflineDrive), "offline-drive")]
[JsonDerivedType(typeof(OnlineDrive), "online-drive")]
[JsonDerivedType(typeof(AddDrive), "add-drive")]
[JsonDerivedType(typeof(ReplaceDrive), "replace-drive")]
[JsonDerivedType(typeof(RemoveDrive), "remove-drive")]
[JsonDerivedType(typeof(CreateKey), "create-key")]
[JsonDerivedType(typeof(DeleteKey), "delete-key")]
[JsonDerivedType(typeof(CreateVolume), "create-volume")]
[JsonDerivedType(typeof(ResizeVolume), "resize-volume")]
[JsonDerivedType(typeof(DeleteVolume), "delete-volume")]
[JsonDerivedType(typeof(CreateFileSystem), "create-file-system")]
[JsonDerivedType(typeof(MountFileSystem), "mount-file-system")]
[JsonDerivedType(typeof(UnmountFileSystem), "unmount-file-system")]
[JsonDerivedType(typeof(SetFileSystem), "set-file-system")]
[JsonDerivedType(typeof(TakeSnapshots), "take-snapshots")]
[JsonDerivedType(typeof(CloneSnapshot), "clone-snapshot")]
[JsonDerivedType(typeof(RollBack), "roll-back")]
[JsonDerivedType(typeof(DeleteSnapshot), "delete-snapshot")]
[JsonDerivedType(typeof(ImportImage), "import-image")]
[JsonDerivedType(typeof(FinishImport), "finish-import")]
[JsonDerivedType(typeof(SaveImage), "save-image")]
[JsonDerivedType(typeof(AddExport), "add-export")]
[JsonDerivedType(typeof(SetExport), "set-export")]
[JsonDerivedType(typeof(RemoveExport), "remove-export")]
internal abstract record ChangeRequest
{
    /// <summary>What it is about, as a person types it: <c>data/vm42</c>.</summary>
    [JsonIgnore]
    public abstract string Subject { get; }

    /// <summary>The pool that is locked for it; null when it changes none.</summary>
    [JsonIgnore]
    public virtual PoolName? Scope => null;
}

/// <summary>A change of a pool, or of something in it.</summary>
internal abstract record PoolChange : ChangeRequest
{
    /// <summary>The pool it changes.</summary>
    public required PoolName Pool { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Subject => $"{Pool}";

    /// <inheritdoc/>
    [JsonIgnore]
    public override PoolName? Scope => Pool;
}

/// <summary>Makes the pool that the profile declares.</summary>
internal sealed record CreatePool : PoolChange;

/// <summary>Removes an empty pool.</summary>
internal sealed record DeletePool : PoolChange;

/// <summary>Takes a pool that is missing for one that is gone for good.</summary>
internal sealed record ForgetPool : PoolChange;

/// <summary>Closes a pool and the layers under it, so that nobody reads it without its keys.</summary>
internal sealed record LockPool : PoolChange;

/// <summary>Opens the layers under a pool.</summary>
internal sealed record UnlockPool : PoolChange;

/// <summary>Gives the layers under a pool, or a pool that encrypts by itself, a new key.</summary>
internal sealed record RekeyPool : PoolChange;

/// <summary>Starts a check of all that a pool holds, or goes on with it.</summary>
internal sealed record ScrubPool : PoolChange
{
    /// <summary>Whether to interrupt the one that runs instead.</summary>
    public bool Pause { get; init; }
}

/// <summary>Tells the drives of a pool what is not used, or goes on with that.</summary>
internal sealed record TrimPool : PoolChange
{
    /// <summary>Whether to interrupt the one that runs instead.</summary>
    public bool Pause { get; init; }
}

/// <summary>Has a pool use a drive no more for now.</summary>
internal sealed record OfflineDrive : PoolChange
{
    /// <summary>The drive, by its name in the pool's status or by its path.</summary>
    public required string Drive { get; init; }
}

/// <summary>Has a pool use a drive again.</summary>
internal sealed record OnlineDrive : PoolChange
{
    /// <summary>The drive, by its name in the pool's status or by its path.</summary>
    public required string Drive { get; init; }
}

/// <summary>Takes a drive into a pool.</summary>
internal sealed record AddDrive : PoolChange
{
    /// <summary>The drive.</summary>
    public required string Device { get; init; }
}

/// <summary>Puts a drive in the place of one that failed, or that shall go.</summary>
internal sealed record ReplaceDrive : PoolChange
{
    /// <summary>The drive that goes, by its name in the pool's status or by its path.</summary>
    public required string Drive { get; init; }

    /// <summary>The drive that comes.</summary>
    public required string Device { get; init; }
}

/// <summary>Moves everything off a drive and lets it go.</summary>
internal sealed record RemoveDrive : PoolChange
{
    /// <summary>The drive, by its name in the pool's status or by its path.</summary>
    public required string Drive { get; init; }
}

/// <summary>A change of a key.</summary>
internal abstract record KeyChange : ChangeRequest
{
    /// <summary>The key's name.</summary>
    public required KeyName Key { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Subject => $"key {Key}";
}

/// <summary>Makes a key of random bytes.</summary>
internal sealed record CreateKey : KeyChange
{
    /// <summary>How many bytes; null for 32.</summary>
    public int? Length { get; init; }
}

/// <summary>Removes a key, and with it all that it opens.</summary>
internal sealed record DeleteKey : KeyChange;

/// <summary>A change of one volume.</summary>
internal abstract record VolumeChange : PoolChange
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
internal sealed record TakeSnapshots : PoolChange
{
    /// <summary>The snapshots.</summary>
    public required IReadOnlyList<SnapshotName> Snapshots { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Subject => string.Join(", ", Snapshots.Select(snapshot => $"{Pool}/{snapshot}"));
}

/// <summary>A change that starts from a snapshot.</summary>
internal abstract record SnapshotChange : PoolChange
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

/// <summary>Makes a volume of an image, which is handed over as a descriptor beside the request, or is fetched.</summary>
internal sealed record ImportImage : VolumeChange
{
    /// <summary>What the image is called, for messages. Nothing is ever opened by it.</summary>
    public required string ImageName { get; init; }

    /// <summary>Where to fetch it, by http or https; null for one that is handed over. It is kept in the journal and shown with the operation.</summary>
    public string? Url { get; init; }

    /// <summary>Its format; null to find out.</summary>
    public string? Format { get; init; }

    /// <summary>What the volume must have.</summary>
    public VolumeTraits Traits { get; init; } = VolumeTraits.Thin;

    /// <summary>The snapshot in it to import; null for its disk as it is.</summary>
    public string? Snapshot { get; init; }

    /// <summary>The volume's size, when larger than the image's disk. Of a raw image that comes as a stream: exactly what comes.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>The SHA-256 that the image's file must have, as hexadecimal digits; null when it is not known.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Whether the volume is read back and compared by digest.</summary>
    public bool Verify { get; init; }

    /// <summary>Whether the volume is there at once, and the image is copied behind it.</summary>
    public bool Lazy { get; init; }
}

/// <summary>Makes a volume an ordinary one whose image is copied. The daemon asks for it by itself.</summary>
internal sealed record FinishImport : VolumeChange;

/// <summary>Writes a volume to an image, which is handed over as a descriptor beside the request. What is written meanwhile may be in it or not.</summary>
internal sealed record SaveImage : VolumeChange
{
    /// <summary>What the image is called, for messages.</summary>
    public required string ImageName { get; init; }

    /// <summary>The format to write.</summary>
    public string Format { get; init; } = "raw";

    /// <summary>How it is compressed, by the format's own word; null for as the format does by itself.</summary>
    public string? Compression { get; init; }
}
