using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Images;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Operations;

/// <summary>What planning may use.</summary>
internal sealed record PlanningContext
{
    /// <summary>The operation, with the ids that were drawn for it.</summary>
    public required OperationRequest Operation { get; init; }

    /// <summary>The profile's parts.</summary>
    public required StorageParts Parts { get; init; }

    /// <summary>The pools.</summary>
    public required OpenPools Pools { get; init; }

    /// <summary>The records of the volumes that are there.</summary>
    public required KnownRecords Records { get; init; }

    /// <summary>Conversion.</summary>
    public required ImageConversion Images { get; init; }

    /// <summary>Whether this process goes on serving what ends with it.</summary>
    public required bool Serves { get; init; }

    /// <summary>Whether this is what a crash left: what was handed over is gone, and what is so already stands.</summary>
    public required bool Recovering { get; init; }

    /// <summary>The image that was handed over; null when none.</summary>
    public SafeFileHandle? Image { get; init; }

    /// <summary>What an import before it had copied, when this goes on with it.</summary>
    public CopyMark? From { get; init; }

    /// <summary>Called where there is nothing to go on with after all: the operation then has copied nothing.</summary>
    public Action Forget { get; init; } = static () => { };

    /// <summary>Takes what was copied so that it survives a crash.</summary>
    public Action<CopyMark> Mark { get; init; } = static _ => { };

    /// <summary>Takes what has to be let go of when the plan has run, or won't.</summary>
    public required Action<IAsyncDisposable> Owns { get; init; }

    /// <summary>What it had told as its results, when a crash cut it short.</summary>
    public IReadOnlyDictionary<string, string> Told { get; init; } = new Dictionary<string, string>();

    /// <summary>Takes what the operation made or found, as its result. What is told while it is planned is on record before its first step.</summary>
    public required Action<string, string> Result { get; init; }
}

/// <summary>What becomes of an operation that a crash cut short.</summary>
internal enum Recovery
{
    /// <summary>It is planned again and run to its end.</summary>
    Redo,

    /// <summary>It is undone, since something that it needs is gone.</summary>
    Undo,
}

/// <summary>Turns one kind of request into a plan. One class a kind; the host finds them.</summary>
internal interface IChangePlanner
{
    /// <summary>The kind of request.</summary>
    Type Handles { get; }

    /// <summary>What becomes of it after a crash.</summary>
    Recovery AfterCrash { get; }

    /// <summary>Whether its steps may copy data for as long as that takes: the pool's lock is then left to the backend, which knows.</summary>
    bool CopiesData { get; }

    /// <summary>The volumes whose names the operation owns until it ends.</summary>
    IEnumerable<VolumeName> Owns(ChangeRequest request, Guid operation);

    /// <summary>The names of what it makes: an id is drawn for each.</summary>
    IEnumerable<string> Makes(ChangeRequest request, Guid operation);

    /// <summary>Plans it. It looks, and changes nothing.</summary>
    Task<Plan> PlanAsync(ChangeRequest request, PlanningContext context, CancellationToken cancellationToken);

    /// <summary>Plans what has to be undone after a crash.</summary>
    /// <returns>The plan to revert; null when the operation had reached its end, and stands.</returns>
    Task<Plan?> PlanUndoAsync(ChangeRequest request, PlanningContext context, CancellationToken cancellationToken);
}

/// <summary>A planner of requests of type <typeparamref name="T"/>.</summary>
internal abstract class ChangePlanner<T> : IChangePlanner
    where T : ChangeRequest
{
    /// <inheritdoc/>
    public Type Handles => typeof(T);

    /// <inheritdoc/>
    public virtual Recovery AfterCrash => Recovery.Redo;

    /// <inheritdoc/>
    public virtual bool CopiesData => false;

    /// <inheritdoc/>
    public IEnumerable<VolumeName> Owns(ChangeRequest request, Guid operation) => Owns((T)request, operation);

    /// <inheritdoc/>
    public IEnumerable<string> Makes(ChangeRequest request, Guid operation) => Makes((T)request, operation);

    /// <inheritdoc/>
    public Task<Plan> PlanAsync(ChangeRequest request, PlanningContext context, CancellationToken cancellationToken)
        => PlanAsync((T)request, context, cancellationToken);

    /// <inheritdoc/>
    public Task<Plan?> PlanUndoAsync(ChangeRequest request, PlanningContext context, CancellationToken cancellationToken)
        => PlanUndoAsync((T)request, context, cancellationToken);

    /// <inheritdoc cref="IChangePlanner.Owns"/>
    protected virtual IEnumerable<VolumeName> Owns(T request, Guid operation) => request is VolumeChange change ? [change.Volume] : [];

    /// <inheritdoc cref="IChangePlanner.Makes"/>
    protected virtual IEnumerable<string> Makes(T request, Guid operation) => [];

    /// <inheritdoc cref="IChangePlanner.PlanAsync"/>
    protected abstract Task<Plan> PlanAsync(T request, PlanningContext context, CancellationToken cancellationToken);

    /// <inheritdoc cref="IChangePlanner.PlanUndoAsync"/>
    protected virtual async Task<Plan?> PlanUndoAsync(T request, PlanningContext context, CancellationToken cancellationToken)
        => await PlanAsync(request, context, cancellationToken);

    /// <summary>The volume that a request names.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: it is not there.</exception>
    protected static async Task<VolumeInfo> RequireAsync(IStoragePool pool, VolumeName name, CancellationToken cancellationToken)
        => await pool.FindVolumeAsync(name, cancellationToken)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{pool.Name}/{name}", "is no volume here: see `evestorage volume list`");

    /// <summary>Refuses to make a volume of a name that is taken, if not by this very operation before a crash.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: it is there.</exception>
    protected static async Task RequireFreeAsync(IStoragePool pool, VolumeName name, PlanningContext context, CancellationToken cancellationToken)
    {
        if (await pool.FindVolumeAsync(name, cancellationToken) is VolumeInfo there
            && !(context.Recovering && (await pool.Records.FindAsync(name, cancellationToken))?.Mark == OwnerMark.Of(context.Operation.Id)))
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{pool.Name}/{name}", $"exists, with {there.Size}: choose another name, or delete it first");
        }
    }

    /// <summary>The record of a volume.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: it is not there.</exception>
    protected static async Task<VolumeRecord> RequireRecordAsync(IStoragePool pool, VolumeName name, CancellationToken cancellationToken)
        => await pool.Records.FindAsync(name, cancellationToken)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{pool.Name}/{name}", "is no volume here: see `evestorage volume list`");
}
