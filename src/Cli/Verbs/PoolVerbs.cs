using System.CommandLine;
using System.Globalization;
using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class PoolCreate : ChangeVerb
{
    private readonly Argument<PoolName> _pool;
    private readonly Option<bool> _ifMissing = new("--if-missing") { Description = "Be content with one that is there." };

    public PoolCreate()
        : base("pool create", "Make a pool as the profile declares it. A device or directory with anything of somebody else's is refused.\n\nExample: evestorage pool create data")
    {
        _pool = Add(Arguments.Pool());
        Add(_ifMissing);
    }

    protected override async Task<bool> IsThereAsync(ParseResult parsed, IStorageApi api, ChangeRequest request, CancellationToken cancellationToken)
        => parsed.GetValue(_ifMissing) && (await api.GetPoolAsync(parsed.GetValue(_pool), cancellationToken)).Created;

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new CreatePool { Pool = parsed.GetValue(_pool) });
}

internal sealed class PoolDelete : ChangeVerb
{
    private readonly Argument<PoolName> _pool;

    public PoolDelete()
        : base("pool delete", "Remove an empty pool. One that has volumes is refused, and so is one that is locked or has a drive missing: it may have some.\n\nExample: evestorage pool delete data --yes", destroys: true)
        => _pool = Add(Arguments.Pool());

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new DeletePool { Pool = parsed.GetValue(_pool) });
}

internal sealed class PoolForget : ChangeVerb
{
    private readonly Argument<PoolName> _pool;

    public PoolForget()
        : base(
            "pool forget",
            "Say that a pool which is missing is gone for good, so that `pool create` may make another of its name. Nothing is touched where it was. One that is here is refused.\n\nExample: evestorage pool forget data")
        => _pool = Add(Arguments.Pool());

    protected override Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
        => Task.FromResult<ChangeRequest>(new ForgetPool { Pool = parsed.GetValue(_pool) });
}

internal sealed class PoolList() : CliVerb("pool list", "List the pools that the profile declares, with health and space. Where one can't be looked into, the exit code is that of its error.")
{
    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IReadOnlyList<PoolReport> pools = await (await invocation.OpenAsync(cancellationToken)).ListPoolsAsync(cancellationToken);
        invocation.Answer(pools, output => Table.Write(
            output, ["pool", "kind", "health", "size", "used", "free", "note"],
            pools.Select(pool => new[]
            {
                $"{pool.Name}", pool.Kind, pool.Status?.Health.ToString() ?? "-", pool.Status?.Size.ForPerson() ?? "-",
                pool.Status?.Used.ForPerson() ?? "-", pool.Status?.Free.ForPerson() ?? "-", string.Join("; ", pool.Status?.Problems ?? pool.Reasons),
            })));
        return UnseenPools.Tell(invocation, pools);
    }
}

internal sealed class PoolStatusVerb : CliVerb
{
    private readonly Argument<PoolName> _pool;

    public PoolStatusVerb()
        : base("pool status", "Show a pool: its health, its space, what its volumes can have, and what is wrong with it.")
        => _pool = Add(Arguments.Pool());

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        PoolReport pool = await (await invocation.OpenAsync(cancellationToken)).GetPoolAsync(invocation.Parsed.GetValue(_pool), cancellationToken);
        invocation.Answer(pool, output =>
        {
            output.WriteLine($"pool     {pool.Name} ({pool.Kind}){(pool.Created ? "" : pool.Reasons.Count == 0 ? ", not made" : ", not opened")}");
            output.WriteLine($"id       {pool.Id?.ToString() ?? "-"}");
            output.WriteLine($"health   {pool.Status?.Health.ToString() ?? "-"}");
            output.WriteLine($"space    {pool.Status?.Used.ForPerson() ?? "-"} used, {pool.Status?.Free.ForPerson() ?? "-"} free, of {pool.Status?.Size.ForPerson() ?? "-"}");
            if (pool.Status?.Metadata is SpaceUse metadata)
            {
                output.WriteLine($"metadata {metadata.Used.ForPerson()} used of {metadata.Size.ForPerson()}");
            }

            if (pool.Status?.Provisioned is ByteSize provisioned)
            {
                output.WriteLine($"promised {provisioned.ForPerson()} to its volumes");
            }

            if (pool.Status?.Logical is ByteSize logical)
            {
                output.WriteLine($"holds    {logical.ForPerson()} as its users see it{(pool.Status.Used.Bytes > 0 ? string.Create(CultureInfo.InvariantCulture, $", {(double)logical.Bytes / pool.Status.Used.Bytes:0.00} of what it takes") : "")}");
            }

            if (pool.Status?.AllocatedBySnapshots is ByteSize snapshots)
            {
                output.WriteLine($"frozen   {snapshots.ForPerson()} taken by snapshots alone");
            }

            foreach (DriveStatus drive in pool.Status?.Drives ?? [])
            {
                output.WriteLine($"drive    {drive.Name} {drive.Path ?? "(missing)"} {drive.Health}{(drive.WearPercent is int wear ? $", {wear} % worn" : "")}{(drive.Problem is null ? "" : $": {drive.Problem}")}");
            }

            if (pool.Status?.Scrub is ScrubStatus scrub)
            {
                output.WriteLine($"scrub    {Said(scrub.Running, scrub.Paused, scrub.Percent, scrub.Ended)}{(scrub.Errors is long errors ? $", {errors} places did not agree" : "")}");
            }

            if (pool.Status?.Trim is TrimStatus trim)
            {
                output.WriteLine($"trim     {Said(trim.Running, trim.Paused, trim.Percent, trim.Ended)}");
            }

            if (pool.Status?.ReservedMemory is SpaceUse memory)
            {
                output.WriteLine($"memory   {memory.Used.ForPerson()} of at most {memory.Size.ForPerson()} are kept by the kernel for caching, for all pools of this kind");
            }

            output.WriteLine($"forms    {string.Join(", ", pool.Forms)}");
            output.WriteLine($"traits   {pool.Traits}");
            foreach (string problem in (pool.Status?.Problems ?? []).Concat(pool.Reasons))
            {
                output.WriteLine($"problem  {problem}");
            }
        });
        return ExitCodes.Success;
    }

    private static string Said(bool running, bool paused, double? percent, DateTimeOffset? ended)
        => running ? $"runs, {percent ?? 0:0.0} %" : paused ? $"interrupted at {percent ?? 0:0.0} %" : ended is DateTimeOffset then ? $"done at {then:u}" : "done";
}
