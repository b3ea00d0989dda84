namespace EveStorage.Cli.Api;

/// <summary>Who answers.</summary>
/// <param name="Version">The program's version.</param>
/// <param name="Profile">The profile in force.</param>
/// <param name="Daemon">Whether a daemon answers, or this very process.</param>
/// <param name="ProcessId">The answering process.</param>
internal sealed record HostReport(string Version, string Profile, bool Daemon, int ProcessId)
{
    /// <summary>What all keys and values of its settings come to, as a number: the same for whoever reads the same.</summary>
    public string? Configuration { get; init; }
}

/// <summary>A plugin that was found or asked for.</summary>
/// <param name="Id">Its id, or its folder's name where the manifest can't be read.</param>
/// <param name="Version">Its version; null when unknown.</param>
/// <param name="Contract">The contract it was built against; null when unknown.</param>
/// <param name="Directory">Where it lies; null when it is nowhere.</param>
/// <param name="Enabled">Whether the profile enables it.</param>
/// <param name="Usable">Whether it loaded and everything it needs is here.</param>
/// <param name="Kinds">What it provides: <c>backend:file</c>.</param>
/// <param name="Reasons">Why it is not usable; empty when it is.</param>
internal sealed record PluginReport(
    string Id, string? Version, string? Contract, string? Directory, bool Enabled, bool Usable, IReadOnlyList<string> Kinds, IReadOnlyList<string> Reasons)
{
    /// <summary>The hash of its folder, to pin; null when there is nothing to pin.</summary>
    public string? Sha256 { get; init; }
}

/// <summary>A block device of this machine.</summary>
internal sealed record DeviceReport
{
    /// <summary>The kernel's name, for now: <c>nvme0n1</c>.</summary>
    public required string Name { get; init; }

    /// <summary>A path that stays; null when the device has none.</summary>
    public string? StablePath { get; init; }

    /// <summary>How a profile names it for life: <c>wwn:</c>, <c>serial:</c> or <c>pci:</c>; null when it has nothing of that.</summary>
    public string? Device { get; init; }

    /// <summary>The address of what it is behind, so that a virtual machine that is given that is found; null when unknown.</summary>
    public string? PciAddress { get; init; }

    /// <summary>How it is connected: <c>pcie</c>, <c>scsi</c>, <c>virtio</c>, <c>mmc</c>; null when unknown.</summary>
    public string? Transport { get; init; }

    /// <summary>How much of its promised life is used, in percent; null where it can't tell.</summary>
    public int? WearPercent { get; init; }

    /// <summary>What it says is wrong with it; null when nothing.</summary>
    public string? Problem { get; init; }

    /// <summary>Its serial number; null when it has none.</summary>
    public string? Serial { get; init; }

    /// <summary>Its model; null when unknown.</summary>
    public string? Model { get; init; }

    /// <summary>Its size.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>Whether it spins.</summary>
    public bool Rotational { get; init; }

    /// <summary>Who uses it: partitions, holders, mounts, a signature. Empty when free.</summary>
    public IReadOnlyList<string> Uses { get; init; } = [];
}

/// <summary>A pool that the profile declares.</summary>
internal sealed record PoolReport
{
    /// <summary>Its name.</summary>
    public required PoolName Name { get; init; }

    /// <summary>Its backend.</summary>
    public required string Kind { get; init; }

    /// <summary>Whether it has been made.</summary>
    public required bool Created { get; init; }

    /// <summary>Its id; null before it is made.</summary>
    public Guid? Id { get; init; }

    /// <summary>Its health and space; null when it can't be opened, and then <see cref="Reasons"/> say why.</summary>
    public PoolStatus? Status { get; init; }

    /// <summary>The forms its volumes can have, with the profile's layers.</summary>
    public IReadOnlyList<VolumeForm> Forms { get; init; } = [];

    /// <summary>The traits its volumes can have, with the profile's layers.</summary>
    public VolumeTraits Traits { get; init; }

    /// <summary>Why it can't be used; empty when it can.</summary>
    public IReadOnlyList<string> Reasons { get; init; } = [];

    /// <summary>Why nobody knows what is in it; null of one that can be looked at, and of one that is only declared.</summary>
    public ErrorReport? Error { get; init; }

    /// <summary>Whether a person locked it, and so nobody looks into it.</summary>
    public bool Locked { get; init; }
}

/// <summary>A volume.</summary>
internal sealed record VolumeReport
{
    /// <summary>Its pool.</summary>
    public required PoolName Pool { get; init; }

    /// <summary>Its name.</summary>
    public required VolumeName Name { get; init; }

    /// <summary>Its id, for life.</summary>
    public required Guid Id { get; init; }

    /// <summary>Its form.</summary>
    public required VolumeForm Form { get; init; }

    /// <summary>Its size.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>What it takes of the pool.</summary>
    public required ByteSize Allocated { get; init; }

    /// <summary>What its snapshots alone take; null where its backend does not count it.</summary>
    public ByteSize? AllocatedBySnapshots { get; init; }

    /// <summary>What its pool keeps free for it, with what it has taken of that; null where its backend does not count it.</summary>
    public ByteSize? Reservation { get; init; }

    /// <summary>The key of its own that it is locked for want of, by its name at the source of keys; null when it can be read.</summary>
    public string? LockedBy { get; init; }

    /// <summary>What it has.</summary>
    public required VolumeTraits Traits { get; init; }

    /// <summary>Where it is on this machine.</summary>
    public required string Path { get; init; }

    /// <summary>The layers over it, lowest first.</summary>
    public IReadOnlyList<string> Layers { get; init; } = [];

    /// <summary>Whether its layers are open, so that it can be read.</summary>
    public bool Open { get; init; } = true;

    /// <summary>When it was made; null when its record can't be read.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>Its snapshots, oldest first.</summary>
    public IReadOnlyList<SnapshotReport> Snapshots { get; init; } = [];

    /// <summary>Its exports.</summary>
    public IReadOnlyList<ExportReport> Exports { get; init; } = [];

    /// <summary>The image that it lies over, of which not all is copied yet; null when it lies over none.</summary>
    public LazyReport? Image { get; init; }
}

/// <summary>How far a volume is that is used before its image is copied.</summary>
/// <param name="Name">What the image is called.</param>
/// <param name="Source">Where it lies.</param>
/// <param name="Copied">Up to where it is copied, from the start of the disk.</param>
/// <param name="Size">The size of the volume.</param>
/// <param name="State"><c>copying</c>; <c>waits</c> for what could not be read or kept; <c>checking</c> the image's SHA-256; <c>refused</c>, when that is another one; <c>stopped</c>, without a daemon.</param>
/// <param name="Problem">Why it does not go on; null when it does.</param>
internal sealed record LazyReport(string Name, string Source, ByteSize Copied, ByteSize Size, string State, string? Problem)
{
    internal const string Copying = "copying";
    internal const string Waits = "waits";
    internal const string Damaged = "damaged";
    internal const string Checking = "checking";
    internal const string Refused = "refused";
    internal const string Stopped = "stopped";
}

/// <summary>A snapshot.</summary>
/// <param name="Label">What stands after the <c>@</c>.</param>
/// <param name="Id">Its id.</param>
/// <param name="Size">The size the volume had.</param>
/// <param name="Created">When it was taken.</param>
internal sealed record SnapshotReport(string Label, Guid Id, ByteSize Size, DateTimeOffset Created);

/// <summary>An export.</summary>
internal sealed record ExportReport
{
    /// <summary>The volume as a person types it: <c>data/vm42</c>.</summary>
    public required string Volume { get; init; }

    /// <summary>The volume's id.</summary>
    public required Guid VolumeId { get; init; }

    /// <summary>The transport by its name in the profile.</summary>
    public required string Transport { get; init; }

    /// <summary>The subsystem.</summary>
    public required string Subsystem { get; init; }

    /// <summary>The number in the subsystem.</summary>
    public required int NamespaceId { get; init; }

    /// <summary>Where a host connects; null while it is recorded and not served, as when no daemon runs.</summary>
    public Uri? Address { get; init; }

    /// <summary>Who may connect.</summary>
    public required IReadOnlyList<string> AllowedHosts { get; init; }

    /// <summary>The names of the keys that hosts prove to have, by host.</summary>
    public IReadOnlyDictionary<string, string> Keys { get; init; } = new Dictionary<string, string>();

    /// <summary>The names of the keys that the controller proves to have in turn, by host.</summary>
    public IReadOnlyDictionary<string, string> ControllerKeys { get; init; } = new Dictionary<string, string>();

    /// <summary>Lines to connect by, by what they are for; empty while it is not served.</summary>
    public IReadOnlyDictionary<string, string> Lines { get; init; } = new Dictionary<string, string>();

    /// <summary>The most it may do; null for no limit.</summary>
    public ExportLimits? Limits { get; init; }

    /// <summary>What its hosts have done since it is served; null while it is not, and where the transport counts nothing.</summary>
    public ExportTraffic? Traffic { get; init; }

    /// <summary>Who is connected.</summary>
    public IReadOnlyList<string> ConnectedHosts { get; init; } = [];

    /// <summary>Whether writes are refused.</summary>
    public required bool ReadOnly { get; init; }
}

/// <summary>Something that happened, as <c>events</c> shows it.</summary>
/// <param name="Time">When.</param>
/// <param name="Id">Its stable name.</param>
/// <param name="Severity">How much it matters.</param>
/// <param name="Subject">What it is about.</param>
/// <param name="Message">What happened.</param>
internal sealed record EventReport(DateTimeOffset Time, string Id, EventSeverity Severity, string Subject, string Message);

/// <summary>Something that is not as it should be and that no start repairs.</summary>
/// <param name="Subject">What it is about.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Command">The command that mends it, or null where a person has to decide.</param>
internal sealed record Finding(string Subject, string Message, string? Command);
