using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class PoolAdd : ChangeVerb
{
    private readonly Argument<PoolName> _pool;
    private readonly Argument<string> _device;

    public PoolAdd()
        : base("pool add", "Take a drive into a pool. One with anything of somebody else's is refused. It is remembered here; the answer says what to add to the profile.\n\nExample: evestorage pool add data serial:S5GXNX0R")
    {
        _pool = Add(Arguments.Pool());
        _device = Add(Arguments.Device("The drive that comes: a path, serial:, wwn: or pci:, as `device list` has it."));
    }

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new AddDrive { Pool = parsed.GetValue(_pool), Device = parsed.GetValue(_device)! });
}

internal sealed class PoolReplace : ChangeVerb
{
    private readonly Argument<PoolName> _pool;
    private readonly Argument<string> _drive;
    private readonly Argument<string> _device;

    public PoolReplace()
        : base(
            "pool replace",
            "Put a drive in the place of one that failed or shall go, while the pool serves. `pool status` shows how far it is. Encryption on the one that goes is closed and made unreadable if it is still there.\n\nExample: evestorage pool replace data serial:OLD serial:NEW --yes",
            destroys: true)
    {
        _pool = Add(Arguments.Pool());
        _drive = Add(Arguments.Device("The drive that goes, by its name in `pool status` or by its path.", "drive"));
        _device = Add(Arguments.Device("The drive that comes."));
    }

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new ReplaceDrive { Pool = parsed.GetValue(_pool), Drive = parsed.GetValue(_drive)!, Device = parsed.GetValue(_device)! });
}

internal sealed class PoolRemove : ChangeVerb
{
    private readonly Argument<PoolName> _pool;
    private readonly Argument<string> _drive;

    public PoolRemove()
        : base("pool remove", "Move everything off a drive and let it go, while the pool serves.\n\nExample: evestorage pool remove data serial:OLD --yes", destroys: true)
    {
        _pool = Add(Arguments.Pool());
        _drive = Add(Arguments.Device("The drive that goes, by its name in `pool status` or by its path.", "drive"));
    }

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new RemoveDrive { Pool = parsed.GetValue(_pool), Drive = parsed.GetValue(_drive)! });
}
