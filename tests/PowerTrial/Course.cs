using System.Globalization;
using EveStorage.Cli.Api;

namespace EveStorage.PowerTrial;

/// <summary>One thing that is done to a pool: a change that is asked of the host, or a write to a volume.</summary>
/// <param name="Title">What it is.</param>
/// <param name="After">What has to be there once it is acknowledged.</param>
internal sealed record Act(string Title, Ledger After)
{
    /// <summary>What is asked of the host; null for a write.</summary>
    internal ChangeRequest? Request { get; init; }

    /// <summary>The image of an import.</summary>
    internal Content? Image { get; init; }

    /// <summary>The volume that is written to and flushed.</summary>
    internal string? Volume { get; init; }

    /// <summary>The pages that are written.</summary>
    internal IReadOnlyList<int> Pages { get; init; } = [];
}

/// <summary>
/// What is done to a pool, one act after the other: imports, and a loop of create, write, snapshot, clone, roll back, grow and
/// delete. The same seed gives the same course, so that whoever looks after a power cut knows what was done by counting.
/// </summary>
/// <param name="seed">What decides it.</param>
/// <param name="importsEncrypted">Whether images become encrypted volumes, too: the command line has no word for that.</param>
/// <param name="inLine">Whether a volume goes back to its newest snapshot alone, and only while nothing was cloned of it.</param>
internal sealed class Course(int seed, bool importsEncrypted = true, bool inLine = false)
{
    private const int MostVolumes = 6;
    private const int MostSnapshots = 8;
    private const int MostMebiBytes = 16;

    private readonly Random _random = new(seed);
    private readonly HashSet<string> _cloned = [];
    private int _made;
    private int _writes;

    internal static PoolName Pool { get; } = new("data");

    /// <summary>The act that makes the pool, with which every course begins.</summary>
    internal static Act Start { get; } = new("make the pool", new() { HasPool = true }) { Request = new CreatePool { Pool = Pool } };

    /// <summary>What comes next where this is what is there.</summary>
    internal Act Next(Ledger now)
    {
        string[] all = [.. now.Volumes.Keys];
        string[] plain = [.. now.Volumes.Where(volume => !volume.Value.Encrypted).Select(volume => volume.Key)];
        (string Volume, string Label)[] frozen = [.. plain.SelectMany(name => now.Volumes[name].Snapshots.Keys.Select(label => (name, label)))];
        bool room = all.Length < MostVolumes;
        int snapshots = now.Volumes.Values.Sum(volume => volume.Snapshots.Count);
        return _random.Next(14) switch
        {
            _ when !now.HasPool => Start,
            _ when plain.Length == 0 => Import(now, encrypted: false),
            _ when plain.Length == 1 => Create(now),
            _ when _made == 2 => importsEncrypted ? Import(now, encrypted: true) : Create(now, encrypted: true),
            0 when room => Create(now),
            1 or 2 when room => Import(now, encrypted: false),
            3 when room => importsEncrypted ? Import(now, encrypted: true) : Create(now, encrypted: true),
            4 or 5 when snapshots < MostSnapshots => Freeze(now, Any(plain)),
            6 when snapshots < MostSnapshots => Freeze(now, plain[0], plain[^1]),
            7 when room && frozen.Length > 0 => Clone(now, Any(frozen)),
            8 when frozen.Any(which => MayReturn(now, which)) => Return(now, Any([.. frozen.Where(which => MayReturn(now, which))])),
            9 when frozen.Length > 0 => Forget(now, Any(frozen)),
            10 or 11 when all.Length > 3 => Delete(now, Any(all)),
            12 => Grow(now, Any(plain)),
            _ => Write(now, Any(plain)),
        };
    }

    // Labels are numbered as they are taken.
    private bool MayReturn(Ledger now, (string Volume, string Label) to)
        => !inLine || (!_cloned.Contains(to.Volume) && to.Label == now.Volumes[to.Volume].Snapshots.Keys.MaxBy(label => int.Parse(label.AsSpan(1), CultureInfo.InvariantCulture)));

    private Act Create(Ledger now, bool encrypted = false)
    {
        string name = NewName();
        int size = 4 + _random.Next(5);
        return new($"create {name}{Described(encrypted)}", now.With(name, new(Content.Empty(size), encrypted)))
        {
            Request = new CreateVolume { Pool = Pool, Volume = new(name), Size = ByteSize.MiB(size), Traits = TraitsOf(encrypted) },
        };
    }

    // An image with gaps.
    private Act Import(Ledger now, bool encrypted)
    {
        string name = NewName();
        Content image = Content.Empty(4 + _random.Next(3));
        image = image.With(++_writes, Enumerable.Range(0, image.Count).Where(page => page % 64 < 40));
        return new($"import {name}{Described(encrypted)}", now.With(name, new(image, encrypted)))
        {
            Request = new ImportImage
            {
                Pool = Pool,
                Volume = new(name),
                ImageName = "disk.raw",
                Format = "raw",
                Traits = TraitsOf(encrypted),
            },
            Image = image,
        };
    }

    private Act Freeze(Ledger now, params string[] names)
    {
        string label = $"s{++_made}";
        string[] volumes = [.. names.Distinct()];
        Ledger after = now;
        foreach (string name in volumes)
        {
            KeptVolume volume = now.Volumes[name];
            after = after.With(name, volume with { Snapshots = volume.Snapshots.Add(label, volume.Now) });
        }

        return new($"snapshot {string.Join(" and ", volumes)} as {label}", after)
        {
            Request = new TakeSnapshots { Pool = Pool, Snapshots = [.. volumes.Select(name => new SnapshotName(new(name), label))] },
        };
    }

    private Act Clone(Ledger now, (string Volume, string Label) of)
    {
        string name = NewName();
        _cloned.Add(of.Volume);
        return new($"clone {of.Volume}@{of.Label} as {name}", now.With(name, new(now.Volumes[of.Volume].Snapshots[of.Label], false)))
        {
            Request = new CloneSnapshot { Pool = Pool, Snapshot = new(new(of.Volume), of.Label), NewVolume = new(name) },
        };
    }

    private static Act Return(Ledger now, (string Volume, string Label) to)
    {
        KeptVolume volume = now.Volumes[to.Volume];
        return new($"roll {to.Volume} back to {to.Label}", now.With(to.Volume, volume with { Now = volume.Snapshots[to.Label] }))
        {
            Request = new RollBack { Pool = Pool, Snapshot = new(new(to.Volume), to.Label) },
        };
    }

    private static Act Forget(Ledger now, (string Volume, string Label) which)
    {
        KeptVolume volume = now.Volumes[which.Volume];
        return new($"delete {which.Volume}@{which.Label}", now.With(which.Volume, volume with { Snapshots = volume.Snapshots.Remove(which.Label) }))
        {
            Request = new DeleteSnapshot { Pool = Pool, Snapshot = new(new(which.Volume), which.Label) },
        };
    }

    private static Act Delete(Ledger now, string name) => new($"delete {name}", now with { Volumes = now.Volumes.Remove(name) })
    {
        Request = new DeleteVolume { Pool = Pool, Volume = new(name), WithSnapshots = true },
    };

    private Act Grow(Ledger now, string name)
    {
        KeptVolume volume = now.Volumes[name];
        int size = volume.Now.MebiBytes + 3;
        return size > MostMebiBytes
            ? Write(now, name)
            : new($"grow {name} to {size} MiB", now.With(name, volume with { Now = volume.Now with { MebiBytes = size } }))
            {
                Request = new ResizeVolume { Pool = Pool, Volume = new(name), Size = ByteSize.MiB(size) },
            };
    }

    private Act Write(Ledger now, string name)
    {
        KeptVolume volume = now.Volumes[name];
        int write = ++_writes;
        int[] pages = [.. Enumerable.Range(0, 3).Select(_ => _random.Next(volume.Now.Count))];
        return new($"write {write} to {name}", now.With(name, volume with { Now = volume.Now.With(write, pages) })) { Volume = name, Pages = pages };
    }

    private static string Described(bool encrypted) => encrypted ? ", encrypted" : "";

    private static VolumeTraits TraitsOf(bool encrypted) => encrypted ? VolumeTraits.Thin | VolumeTraits.Encrypted : VolumeTraits.Thin;

    private string NewName() => $"vm-{++_made}";

    private T Any<T>(T[] of) => of[_random.Next(of.Length)];
}
