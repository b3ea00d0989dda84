namespace EveStorage.Fixtures;

/// <summary>An open one. It knows the drives that it was declared with, and those that were taken in since.</summary>
internal sealed class ShelfPool(PoolName name, string[] shelf, IReadOnlyList<string> declared) : IDrivePool, IScrubbablePool
{
    private const string Fault = "fault";
    private const string Checked = "checked";

    private string[] _members = shelf[1..];
    private string[] _known = [.. declared];

    public Guid Id { get; } = Guid.Parse(shelf[0]);

    public PoolName Name => name;

    public BackendCapabilities Capabilities => ShelfBackend.Capabilities;

    public IPoolRecords Records => throw new InvalidOperationException("it holds no volumes");

    public ValueTask<VolumeInfo?> FindVolumeAsync(VolumeName volume, CancellationToken cancellationToken) => new((VolumeInfo?)null);

    // A test that counts how often it is asked reads the file.
    public IAsyncEnumerable<VolumeInfo> ListVolumesAsync(CancellationToken cancellationToken)
    {
        File.AppendAllText(Path.Combine(declared[0], "asked"), "once\n");
        return AsyncEnumerable.Empty<VolumeInfo>();
    }

    // A file that a test puts beside a drive makes it fail as no backend should.
    public ValueTask<PoolStatus> GetStatusAsync(CancellationToken cancellationToken)
        => _known.Any(device => File.Exists(Path.Combine(device, Fault)))
            ? throw new ObjectDisposedException(nameof(ShelfPool))
            : new(new PoolStatus
            {
                Health = _members.All(IsThere) ? PoolHealth.Healthy : PoolHealth.Degraded,
                Size = ByteSize.MiB(1),
                Used = new(0),
                Free = ByteSize.MiB(1),
                Scrub = File.Exists(CheckedFile) ? new ScrubStatus { Running = false, Errors = 0, Ended = File.GetLastWriteTimeUtc(CheckedFile) } : null,
                Drives = [.. _members.Select(member => new DriveStatus
                {
                    Name = NameOf(member),
                    Path = IsThere(member) ? member : null,
                    Health = IsThere(member) ? PoolHealth.Healthy : PoolHealth.Failed,
                })],
            });

    // A test that counts checks reads the file, and one that has the last one lie back sets its time.
    public ValueTask<Plan> PlanScrubAsync(CancellationToken cancellationToken)
        => new(Plan.Of(new ShelfStep($"check {name}", StepEffect.Change, () => { File.AppendAllText(CheckedFile, "once\n"); return StepOutcome.Changed; }, static () => { })));

    private string CheckedFile => Path.Combine(declared[0], Checked);

    public string PathOf(VolumeName volume) => Path.Combine(_members[0], $"{volume}");

    public ValueTask<IBlockSource> OpenBlocksAsync(VolumeName volume, BlockAccess access, CancellationToken cancellationToken) => throw None(volume);

    public ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken) => throw None(spec.Name);

    public ValueTask<Plan> PlanRenameAsync(VolumeName volume, VolumeName newName, CancellationToken cancellationToken) => throw None(volume);

    public ValueTask<Plan> PlanDeleteAsync(VolumeName volume, CancellationToken cancellationToken) => throw None(volume);

    public ValueTask<Plan> PlanAddDriveAsync(string device, CancellationToken cancellationToken)
        => new(Plan.Of(new ShelfStep($"take {device} into {name}", StepEffect.Change, () => Change(device, gone: null), () => Change(null, device))));

    public ValueTask<Plan> PlanReplaceDriveAsync(string drive, string replacement, CancellationToken cancellationToken)
    {
        string old = Require(drive);
        return new(Plan.Of(new ShelfStep($"put {replacement} in the place of {drive}", StepEffect.Destroys($"what is on {drive}"), () => Change(replacement, old), static () => { })));
    }

    public ValueTask<Plan> PlanRemoveDriveAsync(string drive, CancellationToken cancellationToken)
    {
        string old = Require(drive);
        return new(Plan.Of(new ShelfStep($"let {drive} go", StepEffect.Destroys($"what is on {drive}"), () => Change(null, old), static () => { })));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private StepOutcome Change(string? come, string? gone)
    {
        if (come is not null)
        {
            _members = [.. _members.Append(come).Distinct()];
            _known = [.. _known.Append(come).Distinct()];
        }

        if (gone is not null)
        {
            _members = [.. _members.Where(member => member != gone)];
            if (Directory.Exists(gone))
            {
                File.Delete(Shelf.FileOn(gone));
            }
        }

        Shelf.Write($"{Id}", _members);
        return StepOutcome.Changed;
    }

    private string Require(string drive)
        => Array.Find(_members, member => member == drive || NameOf(member) == drive)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{name}", $"has no drive {drive}; it has {string.Join(", ", _members.Select(NameOf))}");

    private bool IsThere(string member) => _known.Contains(member) && Shelf.IsOn(member);

    // Not a path: as a drive is called for life.
    private static string NameOf(string member) => $"drive-{member.TrimEnd('/').Replace("/inside", "", StringComparison.Ordinal).Split('/')[^1]}";

    private StorageException None(VolumeName volume) => new(StorageErrorKind.NotSupported, $"{name}/{volume}", "its pool holds no volumes");
}
