using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class PoolLock : ChangeVerb
{
    private readonly Argument<PoolName> _pool;

    public PoolLock()
        : base("pool lock", "Close a pool and the encryption under it, until `pool unlock` or the next start of the machine. One that is in use is refused.\n\nExample: evestorage pool lock data")
        => _pool = Add(Arguments.Pool());

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new LockPool { Pool = parsed.GetValue(_pool) });
}

internal sealed class PoolUnlock : ChangeVerb
{
    private readonly Argument<PoolName> _pool;

    public PoolUnlock()
        : base("pool unlock", "Open the encryption under a pool with the keys that are there now. A wrong key changes nothing.\n\nExample: evestorage pool unlock data")
        => _pool = Add(Arguments.Pool());

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new UnlockPool { Pool = parsed.GetValue(_pool) });
}

internal sealed class PoolRekey : ChangeVerb
{
    private readonly Argument<PoolName> _pool;

    public PoolRekey()
        : base(
            "pool rekey",
            "Give the encryption under a pool a new key and forget the one before, while the pool serves. Data is not written anew. It is refused while a drive is missing, which would keep the key before.\n\nExample: evestorage pool rekey data --yes",
            destroys: true)
        => _pool = Add(Arguments.Pool());

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new RekeyPool { Pool = parsed.GetValue(_pool) });
}
