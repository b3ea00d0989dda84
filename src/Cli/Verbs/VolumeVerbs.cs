using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class VolumeCreate : CreateVerb
{
    private readonly Argument<VolumeAddress> _volume;
    private readonly Argument<ByteSize> _size;
    private readonly Option<bool> _thick = new("--thick") { Description = "Take its space now and not when it is written." };
    private readonly Option<bool> _compressed = new("--compressed") { Description = "Compress its data." };
    private readonly Option<bool> _encrypted = new("--encrypted") { Description = "Let nothing readable reach the device." };
    private readonly Option<ByteSize?> _quota = Arguments.SizeOption("--quota", "The most that it may take of the pool.");
    private readonly Option<ByteSize?> _reservation = Arguments.SizeOption("--reservation", "What the pool keeps free for it.");

    public VolumeCreate()
        : base("volume create", "Make a disk, which reads as zero; `fs create` makes a file system.\n\nExample: evestorage volume create data/vm1 20GiB", "volume resize")
    {
        _volume = Add(Arguments.Volume("The volume to make: NAME, or POOL/NAME."));
        _size = Add(Arguments.Size("Its size: 512MiB, 20GiB."));
        Add(_thick);
        Add(_compressed);
        Add(_encrypted);
        Add(_quota);
        Add(_reservation);
        AddIfMissing();
    }

    protected override async Task<ByteSize?> FindSizeAsync(VolumeChange asked, IStorageApi api, CancellationToken cancellationToken)
        => (await api.ListVolumesAsync(asked.Pool, cancellationToken)).FirstOrDefault(volume => volume.Name == asked.Volume)?.Size;

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_volume)!;
        return new CreateVolume
        {
            Pool = await Addresses.PoolForNewAsync(address, api, cancellationToken),
            Volume = address.Volume,
            Size = parsed.GetValue(_size),
            Quota = parsed.GetValue(_quota),
            Reservation = parsed.GetValue(_reservation),
            Traits = (parsed.GetValue(_thick) ? VolumeTraits.None : VolumeTraits.Thin)
                | (parsed.GetValue(_compressed) ? VolumeTraits.Compressed : VolumeTraits.None)
                | (parsed.GetValue(_encrypted) ? VolumeTraits.Encrypted : VolumeTraits.None),
        };
    }
}

internal sealed class VolumeResize : ChangeVerb
{
    private readonly Argument<VolumeAddress> _volume;
    private readonly Argument<ByteSize> _size;

    public VolumeResize()
        : base("volume resize", "Grow a volume while it is in use; hosts that have it see its new size. None shrinks.\n\nExample: evestorage volume resize vm1 40GiB")
    {
        _volume = Add(Arguments.Volume());
        _size = Add(Arguments.Size("Its new size, in all."));
    }

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_volume)!;
        return new ResizeVolume { Pool = await PoolOfAsync(address, api, cancellationToken), Volume = address.Volume, Size = parsed.GetValue(_size) };
    }
}

internal sealed class VolumeDelete : ChangeVerb
{
    private readonly Argument<VolumeAddress> _volume;
    private readonly Option<bool> _snapshots = new("--snapshots") { Description = "Its snapshots too. Without it, a volume that has some is refused." };

    public VolumeDelete()
        : base(
            "volume delete",
            "Remove a volume, or a snapshot of it, and its data. A volume that is exported is refused, and so is a file system that is mounted.\n\nExamples: evestorage volume delete vm1 --yes\n          evestorage volume delete vm1@before --yes",
            destroys: true)
    {
        _volume = Add(new Argument<VolumeAddress>("volume")
        {
            Description = "The volume or the snapshot: [POOL/]NAME, [POOL/]NAME@LABEL.",
            HelpName = "[POOL/]NAME[@LABEL]",
            CustomParser = static result => Arguments.Parse(result, static text => Arguments.Address(text, snapshot: null)),
        });
        Add(_snapshots);
    }

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_volume)!;
        PoolName pool = await PoolOfAsync(address, api, cancellationToken);
        if (address.Snapshot is SnapshotName snapshot)
        {
            return new DeleteSnapshot { Pool = pool, Snapshot = snapshot };
        }

        await RequireNotMountedAsync(pool, address.Volume, api, cancellationToken);
        return new DeleteVolume { Pool = pool, Volume = address.Volume, WithSnapshots = parsed.GetValue(_snapshots) };
    }

    // Who says volume may not know that files lie there. `fs delete` says so, and unmounts.
    private static async Task RequireNotMountedAsync(PoolName pool, VolumeName name, IStorageApi api, CancellationToken cancellationToken)
    {
        // One by a temporary name was left by a crash, and no report describes it.
        if (!name.IsTemporary && await api.GetVolumeAsync(pool, name, cancellationToken) is { Form: VolumeForm.FileSystem, Open: true } volume)
        {
            throw new StorageException(
                StorageErrorKind.Busy, $"{pool}/{name}", $"is a file system and mounted at {volume.Path}: `evestorage fs delete {pool}/{name}` unmounts it and removes it with all its files");
        }
    }
}

internal sealed class VolumeList : CliVerb
{
    private readonly Argument<PoolName?> _pool = Arguments.OnlyPool();

    public VolumeList()
        : base("volume list", "List volumes, with their size, what they take of the pool, and how many snapshots and exports they have.")
        => Add(_pool);

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IStorageApi api = await invocation.OpenAsync(cancellationToken);
        PoolName? asked = invocation.Parsed.GetValue(_pool);
        IReadOnlyList<VolumeReport> volumes = await api.ListVolumesAsync(asked, cancellationToken);
        invocation.Answer(volumes, output => Table.Write(
            output, ["volume", "size", "taken", "snapshots", "exports", "traits"],
            volumes.Select(volume => new[]
            {
                $"{volume.Pool}/{volume.Name}", volume.Size.ForPerson(), volume.Allocated.ForPerson(),
                $"{volume.Snapshots.Count}", $"{volume.Exports.Count}", volume.Traits.ToString(),
            })));
        return asked is null ? await UnseenPools.TellAsync(invocation, api, cancellationToken) : ExitCodes.Success;
    }
}

internal sealed class VolumeShow : CliVerb
{
    private readonly Argument<VolumeAddress> _volume;

    public VolumeShow()
        : base("volume show", "Show a volume: its id, its path, its snapshots, its exports.")
        => _volume = Add(Arguments.Volume());

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IStorageApi api = await invocation.OpenAsync(cancellationToken);
        VolumeAddress address = invocation.Parsed.GetValue(_volume)!;
        VolumeReport volume = await api.GetVolumeAsync(await Addresses.PoolOfAsync(address, api, cancellationToken), address.Volume, cancellationToken);
        invocation.Answer(volume, output =>
        {
            output.WriteLine($"volume    {volume.Pool}/{volume.Name}");
            output.WriteLine($"id        {volume.Id}");
            output.WriteLine($"size      {volume.Size.ForPerson()}, {volume.Allocated.ForPerson()} taken{(volume.AllocatedBySnapshots is ByteSize frozen ? $", and {frozen.ForPerson()} by its snapshots alone" : "")}");
            output.WriteLine($"form      {volume.Form}, {volume.Traits}");
            output.WriteLine($"path      {volume.Path}{(volume.Open ? "" : " (closed)")}");
            if (volume.LockedBy is not null)
            {
                output.WriteLine($"locked    for want of its key: put it at the source of keys as {volume.LockedBy}");
            }

            if (volume.Layers.Count > 0)
            {
                output.WriteLine($"layers    {string.Join(", ", volume.Layers)}");
            }

            if (volume.Image is LazyReport image)
            {
                output.WriteLine($"image     {image.Source}, {image.Copied.ForPerson()} of {image.Size.ForPerson()} copied, {image.State}{(image.Problem is null ? "" : $": {image.Problem}")}");
            }

            output.WriteLine($"made      {volume.Created:u}");
            foreach (SnapshotReport snapshot in volume.Snapshots)
            {
                output.WriteLine($"snapshot  {volume.Name}@{snapshot.Label}, {snapshot.Created:u}, {snapshot.Size.ForPerson()}");
            }

            foreach (ExportReport export in volume.Exports)
            {
                output.WriteLine($"export    {ExportText.Line(export)}");
            }
        });
        return ExitCodes.Success;
    }
}
