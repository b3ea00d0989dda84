using System.CommandLine;
using EveStorage.Host.Api;

namespace EveStorage.Host.Cli.Verbs;

internal sealed class PoolScrub : ChangeVerb
{
    private readonly Argument<PoolName> _pool;
    private readonly Option<bool> _pause = new("--pause") { Description = "Interrupt the one that runs. The next one goes on where it was." };

    public PoolScrub()
        : base("pool scrub", "Start a check of all that a pool holds against its redundancy, or go on with one that was interrupted. It goes on by itself; `pool status` shows how far it is.\n\nExample: evestorage pool scrub data")
    {
        _pool = Add(Arguments.Pool());
        Add(_pause);
    }

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new ScrubPool { Pool = parsed.GetValue(_pool), Pause = parsed.GetValue(_pause) });
}

internal sealed class PoolTrim : ChangeVerb
{
    private readonly Argument<PoolName> _pool;
    private readonly Option<bool> _pause = new("--pause") { Description = "Interrupt the one that runs. The next one goes on where it was." };

    public PoolTrim()
        : base("pool trim", "Tell a pool's drives which of their space is not used, or go on with that where it was interrupted. It goes on by itself; `pool status` shows how far it is.\n\nExample: evestorage pool trim data")
    {
        _pool = Add(Arguments.Pool());
        Add(_pause);
    }

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new TrimPool { Pool = parsed.GetValue(_pool), Pause = parsed.GetValue(_pause) });
}

internal sealed class PoolOffline : ChangeVerb
{
    private readonly Argument<PoolName> _pool;
    private readonly Argument<string> _drive;

    public PoolOffline()
        : base("pool offline", "Use a drive no more for now, while the pool serves without it. A drive that the pool can't do without is refused.\n\nExample: evestorage pool offline data serial:S5GXNX0R")
    {
        _pool = Add(Arguments.Pool());
        _drive = Add(Arguments.Device("The drive, by its name in `pool status` or by its path.", "drive"));
    }

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new OfflineDrive { Pool = parsed.GetValue(_pool), Drive = parsed.GetValue(_drive)! });
}

internal sealed class PoolOnline : ChangeVerb
{
    private readonly Argument<PoolName> _pool;
    private readonly Argument<string> _drive;

    public PoolOnline()
        : base("pool online", "Use a drive again. What was written meanwhile is brought to it, which goes on by itself.\n\nExample: evestorage pool online data serial:S5GXNX0R")
    {
        _pool = Add(Arguments.Pool());
        _drive = Add(Arguments.Device("The drive, by its name in `pool status` or by its path.", "drive"));
    }

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new OnlineDrive { Pool = parsed.GetValue(_pool), Drive = parsed.GetValue(_drive)! });
}
