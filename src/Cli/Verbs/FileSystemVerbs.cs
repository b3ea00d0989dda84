using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class FileSystemCreate : CreateVerb
{
    private readonly Argument<VolumeAddress> _name;
    private readonly Argument<ByteSize> _size;
    private readonly Option<string?> _at = FileSystemOptions.At();
    private readonly Option<string?> _kind = new("--kind") { Description = "ext4 or xfs, of the pool's Layers, or zfs of a pool of ZFS. Left out: the pool's own, else the first of its Layers.", HelpName = "KIND" };
    private readonly Option<bool> _reserved = new("--reserved") { Description = "Keep all of its size free for it from the start." };
    private readonly Option<bool> _encrypted = new("--encrypted") { Description = "Let nothing readable reach the device." };
    private readonly Option<bool> _compressed = new("--compressed") { Description = "Compress its data." };

    public FileSystemCreate()
        : base(
            "fs create",
            "Make a file system and mount it, now and at each start. Its size is its quota: who writes more meets ENOSPC, and no other does.\n\nExample: evestorage fs create newlog 2GiB --reserved",
            "fs grow")
    {
        _name = Add(FileSystemOptions.Name("The file system to make: NAME, or POOL/NAME."));
        _size = Add(Arguments.Size("Its size: 512MiB, 2GiB."));
        Add(_at);
        Add(_kind);
        Add(_reserved);
        Add(_encrypted);
        Add(_compressed);
        AddIfMissing();
    }

    protected override async Task<ByteSize?> FindSizeAsync(VolumeChange asked, IStorageApi api, CancellationToken cancellationToken)
        => (await api.ListFileSystemsAsync(asked.Pool, cancellationToken)).FirstOrDefault(other => other.Name == asked.Volume)?.Quota;

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_name)!;
        return new CreateFileSystem
        {
            Pool = await Addresses.PoolForNewAsync(address, api, cancellationToken, VolumeForm.FileSystem),
            Volume = address.Volume,
            Size = parsed.GetValue(_size),
            At = parsed.GetValue(_at),
            Kind = parsed.GetValue(_kind),
            Reserved = parsed.GetValue(_reserved),
            Traits = (parsed.GetValue(_encrypted) ? VolumeTraits.Encrypted : VolumeTraits.None) | (parsed.GetValue(_compressed) ? VolumeTraits.Compressed : VolumeTraits.None),
        };
    }
}

internal sealed class FileSystemMount : ChangeVerb
{
    private readonly Argument<VolumeAddress> _name;
    private readonly Option<string?> _at = FileSystemOptions.At();
    private readonly Option<bool> _readOnly = new("--read-only") { Description = "Let nothing be written." };

    public FileSystemMount()
        : base("fs mount", "Mount a file system, now and at each start; a clone gets its place so.\n\nExample: evestorage fs mount newlog-copy --at inspect --read-only")
    {
        _name = Add(FileSystemOptions.Name());
        Add(_at);
        Add(_readOnly);
    }

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_name)!;
        return new MountFileSystem
        {
            Pool = await PoolOfAsync(address, api, cancellationToken),
            Volume = address.Volume,
            At = parsed.GetValue(_at),
            ReadOnly = parsed.GetValue(_readOnly) ? true : null,
        };
    }
}

internal sealed class FileSystemUnmount : ChangeVerb
{
    private readonly Argument<VolumeAddress> _name;

    public FileSystemUnmount()
        : base("fs unmount", "Unmount a file system, until it is mounted again: a start does not. One that somebody uses is refused.")
        => _name = Add(FileSystemOptions.Name());

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_name)!;
        return new UnmountFileSystem { Pool = await PoolOfAsync(address, api, cancellationToken), Volume = address.Volume };
    }
}

internal sealed class FileSystemSet : ChangeVerb
{
    private readonly Argument<VolumeAddress> _name;
    private readonly Option<string?> _at = FileSystemOptions.At();
    private readonly Option<bool> _readOnly = new("--read-only") { Description = "Let nothing be written." };
    private readonly Option<bool> _readWrite = new("--read-write") { Description = "Let it be written again." };
    private readonly Option<ByteSize?> _reserve = Arguments.SizeOption("--reserve", "How much of its size its pool keeps free for it; 0 releases it, as in an emergency. Of one of ZFS's own.");

    public FileSystemSet()
        : base(
            "fs set",
            "Change where and how a file system is mounted: it is unmounted and mounted again. Or change what its pool keeps free for it, which is done while it is in use.\n\nExample: evestorage fs set newlog --at log/new")
    {
        _name = Add(FileSystemOptions.Name());
        Add(_at);
        Add(_readOnly);
        Add(_readWrite);
        Add(_reserve);
        Command.Validators.Add(result =>
        {
            if (result.GetValue(_readOnly) && result.GetValue(_readWrite))
            {
                result.AddError("give --read-only or --read-write, and not both");
            }

            if (!result.GetValue(_readOnly) && !result.GetValue(_readWrite) && result.GetValue(_at) is null && result.GetValue(_reserve) is null)
            {
                result.AddError("nothing is to be changed: give --at, --read-only, --read-write or --reserve; `fs grow` changes the size");
            }
        });
    }

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_name)!;
        return new SetFileSystem
        {
            Pool = await PoolOfAsync(address, api, cancellationToken),
            Volume = address.Volume,
            At = parsed.GetValue(_at),
            ReadOnly = parsed.GetValue(_readOnly) ? true : parsed.GetValue(_readWrite) ? false : null,
            Reservation = parsed.GetValue(_reserve),
        };
    }
}

internal sealed class FileSystemGrow : ChangeVerb
{
    private readonly Argument<VolumeAddress> _name;
    private readonly Argument<ByteSize> _size;

    public FileSystemGrow()
        : base("fs grow", "Grow a file system, and so its quota, while it is in use. None shrinks.\n\nExample: evestorage fs grow newlog 4GiB")
    {
        _name = Add(FileSystemOptions.Name());
        _size = Add(Arguments.Size("Its new size, in all."));
    }

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_name)!;
        PoolName pool = await PoolOfAsync(address, api, cancellationToken);
        await api.GetFileSystemAsync(pool, address.Volume, cancellationToken);
        return new ResizeVolume { Pool = pool, Volume = address.Volume, Size = parsed.GetValue(_size) };
    }
}

internal sealed class FileSystemDelete : ChangeVerb
{
    private readonly Argument<VolumeAddress> _name;
    private readonly Option<bool> _snapshots = new("--snapshots") { Description = "Its snapshots too. Without it, one that has some is refused." };

    public FileSystemDelete()
        : base("fs delete", "Unmount a file system and remove it with all its files. One that somebody uses is refused.\n\nExample: evestorage fs delete newlog --yes", destroys: true)
    {
        _name = Add(FileSystemOptions.Name());
        Add(_snapshots);
    }

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_name)!;
        PoolName pool = await PoolOfAsync(address, api, cancellationToken);
        await api.GetFileSystemAsync(pool, address.Volume, cancellationToken);
        return new DeleteVolume { Pool = pool, Volume = address.Volume, WithSnapshots = parsed.GetValue(_snapshots) };
    }
}

/// <summary>What the verbs of file systems have in common.</summary>
internal static class FileSystemOptions
{
    internal static Argument<VolumeAddress> Name(string description = "The file system: NAME, or POOL/NAME.") => new("name")
    {
        Description = description,
        HelpName = "[POOL/]NAME",
        CustomParser = static result => Arguments.Parse(result, static text => Arguments.Address(text, snapshot: false)),
    };

    internal static Option<string?> At() => new("--at")
    {
        Description = "Where: a name beneath the directory that FileSystems:Directory says. Its own name if it never had another.",
        HelpName = "PLACE",
    };
}
