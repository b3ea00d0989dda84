using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class VolumeSnapshot : ChangeVerb
{
    private readonly Argument<VolumeAddress[]> _snapshots = new("snapshots")
    {
        Description = "The snapshots to take; several of one pool are taken at one moment.",
        HelpName = "[POOL/]NAME@LABEL",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = static result =>
        {
            List<VolumeAddress> addresses = [];
            foreach (string text in result.Tokens.Select(token => token.Value))
            {
                if (VolumeAddress.TryParse(text, out VolumeAddress? address) && address.Label is not null)
                {
                    addresses.Add(address);
                }
                else
                {
                    result.AddError($"'{text}' is not a snapshot: write NAME@LABEL or POOL/NAME@LABEL");
                }
            }

            return [.. addresses];
        },
    };

    public VolumeSnapshot()
        : base("volume snapshot", "Freeze volumes as they are now.\n\nExample: evestorage volume snapshot vm1@before-upgrade")
        => Add(_snapshots);

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress[] addresses = parsed.GetValue(_snapshots)!;
        List<PoolName> pools = [];
        foreach (VolumeAddress address in addresses)
        {
            pools.Add(await PoolOfAsync(address, api, cancellationToken));
        }

        return pools.Distinct().Count() == 1
            ? new TakeSnapshots { Pool = pools[0], Snapshots = [.. addresses.Select(address => address.Snapshot!.Value)] }
            : throw new StorageException(
                StorageErrorKind.InvalidConfiguration, string.Join(", ", addresses.Select(address => $"{address}")),
                $"are in the pools {string.Join(", ", pools.Distinct())}: one moment is one pool's; take those of each by themselves");
    }
}

internal sealed class VolumeClone : ChangeVerb
{
    private readonly Argument<VolumeAddress> _snapshot;
    private readonly Argument<VolumeAddress> _clone;

    public VolumeClone()
        : base("volume clone", "Make a volume, with an id of its own, that starts as a snapshot.\n\nExample: evestorage volume clone vm1@golden vm2")
    {
        _snapshot = Add(Arguments.Snapshot());
        _clone = Add(new Argument<VolumeAddress>("clone")
        {
            Description = "The volume to make, in the same pool.",
            HelpName = "NAME",
            CustomParser = static result => Arguments.Parse(result, static text => Arguments.Address(text, snapshot: false)),
        });
    }

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress snapshot = parsed.GetValue(_snapshot)!;
        VolumeAddress clone = parsed.GetValue(_clone)!;
        PoolName pool = await PoolOfAsync(snapshot, api, cancellationToken);
        return clone.Pool is null || clone.Pool == pool
            ? new CloneSnapshot { Pool = pool, Snapshot = snapshot.Snapshot!.Value, NewVolume = clone.Volume }
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, $"{clone}", $"is not in {pool}: a clone is in the pool of its snapshot");
    }
}

internal sealed class VolumeRollback : ChangeVerb
{
    private readonly Argument<VolumeAddress> _snapshot;

    public VolumeRollback()
        : base(
            "volume rollback",
            "Make a volume what a snapshot froze; what was written since is lost, and the snapshot stays. A volume in use is refused.\n\nExample: evestorage volume rollback vm1@before-upgrade --yes",
            destroys: true)
        => _snapshot = Add(Arguments.Snapshot());

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress snapshot = parsed.GetValue(_snapshot)!;
        return new RollBack { Pool = await PoolOfAsync(snapshot, api, cancellationToken), Snapshot = snapshot.Snapshot!.Value };
    }
}
