using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

/// <summary>What a pool does by itself once it is started, and may be interrupted in.</summary>
internal abstract class PausableVerb : ChangeVerb
{
    private readonly Argument<PoolName> _pool;
    private readonly Option<bool> _pause = new("--pause") { Description = "Interrupt the one that runs. The next one goes on where it was." };

    protected PausableVerb(string path, string description)
        : base(path, description)
    {
        _pool = Add(Arguments.Pool());
        Add(_pause);
    }

    protected abstract ChangeRequest RequestFor(PoolName pool, bool pause);

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult(RequestFor(parsed.GetValue(_pool), parsed.GetValue(_pause)));
}

/// <summary>What is done with one drive of a pool, called by its name there.</summary>
internal abstract class PoolDriveVerb : ChangeVerb
{
    private readonly Argument<PoolName> _pool;
    private readonly Argument<string> _drive;

    protected PoolDriveVerb(string path, string description)
        : base(path, description)
    {
        _pool = Add(Arguments.Pool());
        _drive = Add(Arguments.Device("The drive, by its name in `pool status` or by its path.", "drive"));
    }

    protected abstract ChangeRequest RequestFor(PoolName pool, string drive);

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult(RequestFor(parsed.GetValue(_pool), parsed.GetValue(_drive)!));
}

internal sealed class PoolScrub() : PausableVerb(
    "pool scrub", "Start a check of all that a pool holds against its redundancy, or go on with one that was interrupted. It goes on by itself; `pool status` shows how far it is.\n\nExample: evestorage pool scrub data")
{
    protected override ChangeRequest RequestFor(PoolName pool, bool pause) => new ScrubPool { Pool = pool, Pause = pause };
}

internal sealed class PoolTrim() : PausableVerb(
    "pool trim", "Tell a pool's drives which of their space is not used, or go on with that where it was interrupted. It goes on by itself; `pool status` shows how far it is.\n\nExample: evestorage pool trim data")
{
    protected override ChangeRequest RequestFor(PoolName pool, bool pause) => new TrimPool { Pool = pool, Pause = pause };
}

internal sealed class PoolOffline() : PoolDriveVerb(
    "pool offline", "Use a drive no more for now, while the pool serves without it. A drive that the pool can't do without is refused.\n\nExample: evestorage pool offline data serial:S5GXNX0R")
{
    protected override ChangeRequest RequestFor(PoolName pool, string drive) => new OfflineDrive { Pool = pool, Drive = drive };
}

internal sealed class PoolOnline() : PoolDriveVerb(
    "pool online", "Use a drive again. What was written meanwhile is brought to it, which goes on by itself.\n\nExample: evestorage pool online data serial:S5GXNX0R")
{
    protected override ChangeRequest RequestFor(PoolName pool, string drive) => new OnlineDrive { Pool = pool, Drive = drive };
}
